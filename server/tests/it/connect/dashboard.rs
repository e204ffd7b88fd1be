//! A connector that the server knows: settings, state and routes are in the dashboard.

use serde_json::{Value, json};

use super::{pbx::Pbx, program::Machine, recording::Recording};
use crate::{
    command::{line, offhook, run, serve::serve},
    crash::{sending, set_up},
    receiver::Receiver,
    test_app::{client, response},
};

#[tokio::test]
async fn trunks_that_are_chosen_in_the_dashboard_apply_to_a_running_connector() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let (_serving, address) = serve(sending(&data));
    let (account, _) = set_up(|| offhook(&data), &address, &receiver).await;
    let created = async |arguments: &[&str]| {
        let mut command = offhook(&data);
        command.args(arguments);
        line(&run(command, "").await)
    };
    let scopes = "events:write,connectors:read,connectors:write";
    let token = created(&["token", "create", "--name", "pbx", "--account", &account, "--scope", scopes]).await;
    let token = token["token"].as_str().unwrap();
    let connector =
        created(&["connector", "create", "--name", "pbx", "--system", "asterisk", "--account", &account]).await;
    let id = connector["id"].as_str().unwrap();
    let base = format!("http://{address}");
    let url = format!("{base}/api/v1/connectors/{id}");
    let calls = [1, 2].map(|n| Recording::ending_now("in_answered").nth(n));
    let pbx = Pbx::playing(&[&calls[0], &calls[1]]).await;
    let machine = Machine::new(token);
    let connector = pbx.followed_by(|| machine.start_with(&["--connector", id], &pbx.address, &base)).await;
    // Without trunks, no channel leads outside, so nothing is posted.
    calls[0].messages.iter().for_each(|message| _ = pbx.happen(message));
    let chosen = async {
        let request = client().patch(&url).bearer_auth(token).header("content-type", "application/json");
        let changed = response(request.body(json!({ "trunks": ["trunk"] }).to_string())).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    };
    pbx.listed_again(chosen).await;
    pbx.play(&calls[1].messages).await;
    let mut events = Vec::new();
    for _ in 0..2 {
        let body: Value = serde_json::from_str(&receiver.next().await.body).unwrap();
        events.push(body["payload"]["event"].clone());
    }
    assert_eq!(events, ["IncomingCall", "CallProcessed"]);
    assert!(connector.stop().await.success());
    let shown = response(client().get(&url).bearer_auth(token)).await.json();
    let state = &shown["state"];
    assert_eq!(state["seen"], json!(["7048", "trunk"]));
    assert_eq!(state["connected_since"], Value::Null, "it has stopped");
    assert!(receiver.is_quiet());
}

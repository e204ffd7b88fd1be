//! `offhook serve` dials an Asterisk on its own machine.

use serde_json::{Value, json};
use server::connector_calls::unpacked;
use sqlx::{Connection as _, PgConnection};

use super::{fake_asterisk::FakeAsterisk, pbx::Pbx, platform::Platform, recording::Recording};
use crate::{
    command::serve::Serving,
    postgres::database,
    test_app::{PATIENCE, client, response},
};

fn is_connected(shown: &Value) -> bool {
    shown["status"] == "connected"
}

#[tokio::test]
async fn calls_of_an_asterisk_on_the_servers_machine_arrive() {
    let call = Recording::ending_now("in_answered");
    let pbx = Pbx::playing(&[&call]).await;
    let (mut platform, _serving) = Platform::start(&pbx, None).await;
    let shown = platform.until(is_connected).await;
    assert_eq!(shown["state"]["system_version"], "22.10.1");
    pbx.play(&call.messages).await;
    assert_eq!(platform.event().await["event"], "IncomingCall");
    let end = platform.event().await;
    assert_eq!((&end["event"], &end["call_status"]), (&json!("CallProcessed"), &json!("answered")));
    assert_eq!(platform.get("/gaps").await["data"], json!([]));
}

#[tokio::test]
async fn a_new_secret_and_a_pause_end_the_connection_and_what_is_wrong_is_shown() {
    let mut pbx = Pbx::start(FakeAsterisk::new()).await;
    let (platform, _serving) = Platform::start(&pbx, None).await;
    platform.until(is_connected).await;
    platform.created(&["connector", "rotate", &platform.connector]).await;
    let shown = platform.until(|shown| shown["state"]["problem"] == "wrong_secret").await;
    assert_eq!(shown["status"], "reconnecting");
    let rotated = platform.created(&["connector", "rotate", &platform.connector]).await;
    pbx.change(|asterisk| rotated["secret"].as_str().unwrap().clone_into(&mut asterisk.secret));
    platform.until(is_connected).await;
    platform.created(&["connector", "pause", &platform.connector]).await;
    pbx.left().await;
    pbx.vanish().await;
    platform.created(&["connector", "resume", &platform.connector]).await;
    platform.until(|shown| shown["state"]["problem"] == "unreachable").await;
}

#[tokio::test]
async fn a_lost_connection_is_a_gap_and_a_missing_permission_is_named() {
    let mut pbx = Pbx::start(FakeAsterisk::new()).await;
    let (platform, _serving) = Platform::start(&pbx, None).await;
    platform.until(is_connected).await;
    pbx.vanish().await;
    pbx.change(|asterisk| asterisk.may_report = false);
    pbx.listen().await;
    let shown = platform.until(|shown| shown["state"]["problem"] == "missing_permission").await;
    assert!(shown["state"]["detail"].as_str().unwrap().contains("add `write = reporting`"), "{shown}");
    let gaps = platform.get("/gaps").await;
    assert_eq!((&gaps["data"][0]["reason"], &gaps["data"][0]["to"]), (&json!("connection_lost"), &Value::Null));
}

#[tokio::test]
async fn other_settings_and_a_restart_in_order_are_no_gaps() {
    let pbx = Pbx::start(FakeAsterisk::new()).await;
    let (mut platform, serving) = Platform::start(&pbx, None).await;
    platform.until(is_connected).await;
    let changed = async {
        let request = client().patch(platform.url("")).bearer_auth(&platform.token);
        let body = json!({ "trunks": ["trunk", "trunk2"] }).to_string();
        let changed = response(request.header("content-type", "application/json").body(body)).await;
        assert!(changed.status.is_success(), "{}", changed.text);
    };
    pbx.listed_again(changed).await;
    let mut again = None;
    let restarted = async {
        serving.stop().await;
        again = Some(platform.serve());
    };
    pbx.listed_again(restarted).await;
    platform.until(is_connected).await;
    assert_eq!((pbx.logins(), platform.get("/gaps").await["data"].clone()), (3, json!([])));
}

#[tokio::test]
async fn a_server_that_is_killed_in_a_call_continues_with_it() {
    let (pbx, after, mut platform, serving) = talking(None).await;
    drop(serving);
    let mut again = None;
    pbx.listed_again(async { again = Some(platform.serve()) }).await;
    ends(&pbx, &after, &mut platform).await;
}

#[tokio::test]
async fn one_of_two_nodes_connects_and_the_other_continues_its_calls() {
    let (pbx, after, mut platform, first) = talking(Some(database().await)).await;
    let _second = platform.serve();
    assert_eq!(pbx.logins(), 1);
    pbx.listed_again(async { drop(first) }).await;
    ends(&pbx, &after, &mut platform).await;
}

#[tokio::test]
async fn events_that_cannot_be_posted_are_saved_meanwhile_and_survive_a_server_that_is_killed() {
    let (call, url) = (Recording::ending_now("in_answered"), database().await);
    let pbx = Pbx::playing(&[&call]).await;
    let (mut platform, serving) = Platform::start(&pbx, Some(url.clone())).await;
    platform.until(is_connected).await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut locked = connection.begin().await.unwrap();
    sqlx::query("LOCK TABLE events IN ACCESS EXCLUSIVE MODE").execute(&mut *locked).await.unwrap();
    pbx.play(&call.messages).await;
    let saved = async {
        loop {
            let query = sqlx::query_scalar("SELECT snapshot FROM connector_calls");
            let snapshot: Option<Vec<u8>> = query.fetch_optional(&mut *locked).await.unwrap();
            if unpacked::<Value>(snapshot.as_deref()).to_string().contains("CallProcessed") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, saved).await.expect("the end of the call waits for its beginning to be posted");
    drop(serving);
    locked.rollback().await.unwrap();
    let _again = platform.serve();
    assert_eq!(platform.event().await["event"], "IncomingCall");
    assert_eq!(platform.event().await["call_status"], "answered");
}

/// More calls than a server once could save.
const MANY: usize = 12_000;
/// Most memory that they may cost, in KiB. The program's own code, which is much larger in a debug build, does not count.
const GROWTH_MAX_KIB: u64 = 112 * 1_024;
/// Calls of these that end while no server follows them.
const ENDED_MEANWHILE: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_thousand_open_calls_survive_a_server_that_is_killed() {
    let call = Recording::ending_now("in_answered");
    let pbx = Pbx::playing(&[&call]).await;
    let (mut platform, serving) = Platform::start(&pbx, None).await;
    platform.until(is_connected).await;
    let only = |beginning: &str| Recording::new(call.split_at(beginning).1.remove(0));
    let (begins, hangs_up) = (only("Event: Newchannel"), only("Event: Hangup\r\n"));
    let before_kib = serving.own_kib();
    for n in 0..MANY {
        pbx.happen(&begins.nth(n).text);
    }
    platform.until_stored("IncomingCall", MANY).await;
    let growth_kib = serving.own_kib() - before_kib;
    assert!(growth_kib <= GROWTH_MAX_KIB, "{growth_kib} KiB");
    drop(serving);
    for n in 0..ENDED_MEANWHILE {
        pbx.happen(&hangs_up.nth(n).text);
    }
    let mut again = None;
    pbx.listed_again(async { again = Some(platform.serve()) }).await;
    platform.until_stored("CallProcessed", ENDED_MEANWHILE).await;
    let shown = platform.until(|shown| shown["state"]["calls_open"] == MANY - ENDED_MEANWHILE).await;
    assert_eq!(shown["state"]["problem"], Value::Null);
    let gap = platform.get("/gaps").await["data"][0].clone();
    assert_eq!((&gap["reason"], &gap["calls_closed"]), (&json!("connector_restart"), &json!(ENDED_MEANWHILE)));
    assert_eq!(platform.stored("IncomingCall").await, MANY, "nothing twice");
}

#[tokio::test]
async fn a_message_without_end_is_named_and_costs_one_connection() {
    let mut pbx = Pbx::start(FakeAsterisk::new()).await;
    let (platform, _serving) = Platform::start(&pbx, None).await;
    platform.until(is_connected).await;
    pbx.happen(&format!("Event: Newchannel\r\nX: {}", "x".repeat(17 * 1_024 * 1_024)));
    pbx.left().await;
    let shown = platform.until(|shown| shown["state"]["problem"] == "malformed").await;
    let detail = shown["state"]["detail"].as_str().unwrap();
    assert!(detail.contains("no end after 16 MiB. Check host and port"), "{detail}");
    assert_eq!(pbx.logins(), 1);
    pbx.vanish().await;
}

/// A call is being talked: its Asterisk, the rest of its messages, and who follows it.
async fn talking(database: Option<String>) -> (Pbx, Vec<String>, Platform, Serving) {
    let call = Recording::ending_now("in_answered");
    let pbx = Pbx::playing(&[&call]).await;
    let (mut platform, serving) = Platform::start(&pbx, database).await;
    platform.until(is_connected).await;
    let (before, after) = call.split_at("Event: HangupRequest");
    pbx.play(&before).await;
    assert_eq!(platform.event().await["event"], "IncomingCall");
    (pbx, after, platform, serving)
}

/// The call ends, and is reported by the second connection.
async fn ends(pbx: &Pbx, after: &[String], platform: &mut Platform) {
    pbx.play(after).await;
    let mut end = platform.event().await;
    if end["event"] == "IncomingCall" {
        // The attempt that was in flight.
        end = platform.event().await;
    }
    assert_eq!((&end["event"], &end["call_status"]), (&json!("CallProcessed"), &json!("answered")));
    assert_eq!(pbx.logins(), 2);
    let gaps = platform.get("/gaps").await;
    assert_eq!((&gaps["data"][0]["reason"], &gaps["data"][0]["incomplete"]), (&json!("connector_restart"), &json!(0)));
}

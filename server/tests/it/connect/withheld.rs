//! A number that its caller withheld: Asterisk knows it, and no one else may. Searched for wherever either program writes
//! or shows anything.

use std::{collections::BTreeSet, fs, path::Path};

use super::{delivery::received, gaps::records, pbx::Pbx, program::Machine, recording::Recording};
use crate::{
    browser::{EMAIL, PASSWORD, with_form},
    command::{line, offhook, run, serve::serve_with_log},
    crash::{sending, set_up},
    receiver::Receiver,
    test_app::{client, response},
};

/// The caller's number, without prefix.
const NUMBER: &str = "7700900123";
/// Most pages that are opened; an account with two calls has fewer.
const PAGES_MAX: usize = 300;

#[track_caller]
fn assert_without_number(what: &str, bytes: &[u8]) {
    assert!(!bytes.is_empty(), "{what} is empty, so it proves nothing");
    let found = bytes.windows(NUMBER.len()).position(|window| window == NUMBER.as_bytes());
    let around = found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..bytes.len().min(at + 100)]));
    assert_eq!(around, None, "{what} has the number");
}

/// Everything in a folder: a database with its write-ahead log, for example.
fn files(folder: &Path) -> Vec<u8> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).flat_map(|path| fs::read(path).unwrap()).collect()
}

/// An admin's session, as a cookie.
async fn sign_in(data: &Path, base: &str, account: &str) -> String {
    let mut create = offhook(data);
    create.args(["user", "create", "--role", "admin", "--email", EMAIL, "--account", account]);
    line(&run(create, &format!("{PASSWORD}\n")).await);
    let request = client().post(format!("{base}/api/sign-in")).header("sec-fetch-site", "same-origin");
    let request = request.header("accept", "text/html");
    let form = [("form[email]", EMAIL), ("form[password]", PASSWORD), ("form[next]", "/")];
    let signed_in = response(with_form(request, &form)).await;
    assert!(signed_in.status.is_redirection(), "{}", signed_in.text);
    let cookies = signed_in.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let session = cookies.filter_map(|line| line.split(';').next()).find(|pair| pair.starts_with("offhook="));
    session.expect("a session").to_owned()
}

/// All pages of the account that a link leads to, from its overview on.
async fn pages(base: &str, account: &str, cookie: &str) -> BTreeSet<String> {
    let home = format!("/a/{account}");
    let (mut opened, mut next) = (BTreeSet::new(), vec![home.clone()]);
    while let Some(path) = next.pop() {
        if opened.len() >= PAGES_MAX || !opened.insert(path.clone()) {
            continue;
        }
        let page = response(client().get(format!("{base}{path}")).header("cookie", cookie)).await;
        assert!(page.status.is_success(), "{path}: {} {}", page.status, page.header("location"));
        assert_without_number(&path, format!("{:?}{}", page.headers, page.text).as_bytes());
        let links = page.text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        next.extend(links.filter(|link| link.starts_with(&home) && !link.contains(['?', '#'])).map(str::to_owned));
    }
    opened
}

#[tokio::test]
async fn a_withheld_number_appears_nowhere() {
    let (folder, asterisk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (data, call_records) = (folder.path().join("data"), asterisk.path().join("Master.csv"));
    let mut receiver = Receiver::start().await;
    let mut server = sending(&data);
    server.env("OFFHOOK_LOG", "debug");
    let (serving, address) = serve_with_log(server);
    let base = format!("http://{address}");
    let (account, token) = set_up(|| offhook(&data), &address, &receiver).await;
    let mut create = offhook(&data);
    create.args(["connector", "create", "--name", "pbx", "--system", "asterisk", "--account", &account]);
    create.args(["--country", "GB", "--trunk", "trunk", "--trunk", "trunk2"]);
    let connector = line(&run(create, "").await)["id"].as_str().unwrap().to_owned();

    let call = Recording::ending_now("in_withheld").nth(1);
    let unseen = Recording::ending_in("in_withheld", 20).nth(2);
    assert!(call.text.contains(NUMBER), "the phone system knows it");
    let mut pbx = Pbx::playing(&[&call, &unseen]).await;
    let machine = Machine::new(&token);
    let records_file = call_records.to_str().unwrap();
    let settings = ["--connector", &connector, "--cdr-csv", records_file, "--log", "debug", "--verbose"];
    fs::write(&call_records, "").unwrap();
    let program = pbx.followed_by(|| machine.start_with(&settings, &pbx.address, &base)).await;
    let (ringing, rest) = call.split_at("Event: BridgeEnter");
    pbx.play(&ringing).await;
    assert_eq!(received(&mut receiver, 1).await[0]["caller_number"], "anonymous");
    // Killed while the call is open: what is on disk is what a restart begins with.
    program.kill();
    assert_without_number("the spool of an open call", &machine.written());
    let program = pbx.followed_by(|| machine.start_with(&settings, &pbx.address, &base)).await;
    pbx.play(&rest).await;
    assert_eq!(received(&mut receiver, 1).await[0]["source"], "anonymous");
    // Another call comes and goes while there is no connection; its call record has the number.
    pbx.vanish().await;
    unseen.messages.iter().for_each(|message| _ = pbx.happen(message));
    let rows = records(&unseen, "in_withheld");
    assert!(rows.contains(NUMBER), "the call records have it");
    fs::write(&call_records, rows).unwrap();
    pbx.listen().await;
    assert_eq!(received(&mut receiver, 1).await[0]["source"], "anonymous");

    let cookie = sign_in(&data, &base, &account).await;
    let opened = pages(&base, &account, &cookie).await;
    for shown in ["-in", "-done", "/deliveries/dlv_", "/calls/", "/connectors/con_", "/audit/export.csv"] {
        assert!(opened.iter().any(|path| path.contains(shown)), "{shown} is not among {opened:?}");
    }
    assert!(opened.len() < PAGES_MAX, "{} pages", opened.len());
    assert!(program.stop().await.success());
    assert_without_number("log, output and spool of the connector", &machine.written());
    assert_without_number("the server's data", &files(&data));
    assert_without_number("the server's log", serving.end().join("\n").as_bytes());
    assert!(receiver.is_quiet());
}

//! Files of call records that cost as much as they may: lines without an end, and many rows that are not understood.

use reqwest::Method;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::capped::{Capped, RESIDENT_MAX_KIB};
use crate::{
    browser::with_form,
    receiver::Receiver,
    test_app::{TestResponse, client, response},
};

const EMAIL: &str = "ana@acme.example";
const PASSWORD: &str = "correct horse battery staple";
/// A line of the file, in bytes.
const LINE_BYTES: usize = 10 * 1_024 * 1_024;
/// A header of a form, in bytes: more than the buffers of a connection take.
const HEADER_BYTES: usize = 32 * 1_024 * 1_024;
/// Rows that are not understood: far more than are kept of them. What is kept is the line and the reason, so they are short:
/// numbers to be read would only cost this test's build seconds.
const BAD_ROWS: usize = 12_000;
const BAD_ROW: &str = "yesterday\n";

struct Attacker<'a> {
    server: &'a Capped,
    cookie: String,
}

impl Attacker<'_> {
    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = client().request(method, self.server.url(path)).header("cookie", &self.cookie);
        request.header("sec-fetch-site", "same-origin").header("accept", "text/html")
    }

    async fn upload(&self, path: &str, file: &[u8]) -> TestResponse {
        let head = b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\n";
        let request = self.request(Method::POST, path).header("content-type", "multipart/form-data; boundary=b");
        response(request.body([head, file, b"\r\n--b--\r\n"].concat())).await
    }

    /// The page of an import that has ended. The account's feed says when to look: looking all the time would take the
    /// processor from the import.
    async fn report(&self, acct: &str, page: &str) -> String {
        let mut feed = self.request(Method::GET, &format!("/a/{acct}/deliveries/live")).send().await.unwrap();
        loop {
            let shown = response(self.request(Method::GET, page)).await;
            if shown.text.contains("Import another file") {
                return shown.text;
            }
            feed.chunk().await.unwrap().expect("the feed has ended");
        }
    }
}

/// A connector for files, and an admin who is signed in. Returns their ids, too.
async fn attacker<'a>(server: &'a Capped, receiver: &Receiver) -> (Attacker<'a>, String, String) {
    let token = server.account_with_user(receiver, EMAIL, PASSWORD).await;
    let wanted = json!({ "name": "x", "system": "other", "way": "files", "time_zone": "UTC" }).to_string();
    let created = client().post(server.url("/api/v1/connectors")).bearer_auth(&token);
    let created = response(created.header("content-type", "application/json").body(wanted)).await.json();
    let (acct, con) = (created["account"].as_str().unwrap().to_owned(), created["id"].as_str().unwrap().to_owned());
    let mut attacker = Attacker { server, cookie: String::new() };
    let form = [("form[email]", EMAIL), ("form[password]", PASSWORD), ("form[next]", "/")];
    let signed_in = response(with_form(attacker.request(Method::POST, "/api/sign-in"), &form)).await;
    let mut cookies = signed_in.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let session = cookies.rfind(|line| line.starts_with("offhook=")).unwrap();
    attacker.cookie = session.split(';').next().unwrap().to_owned();
    (attacker, acct, con)
}

#[tokio::test]
async fn long_lines_and_many_bad_rows_take_little_memory() {
    let (server, receiver) = (Capped::start(), Receiver::start().await);
    let (attacker, acct, con) = attacker(&server, &receiver).await;
    let file = [
        "2026-11-28 09:30:00,01632960001,01632960100,12\n".as_bytes(),
        &vec![b'x'; LINE_BYTES],
        b"\n",
        BAD_ROW.repeat(BAD_ROWS).as_bytes(),
        &vec![b'"'; LINE_BYTES / 8],
    ]
    .concat();
    let sent = attacker.upload(&format!("/a/{acct}/connectors/{con}/records"), &file).await;
    let page = sent.header("location").to_owned();
    let imp = page.rsplit('/').next().unwrap();
    let fields = [
        ("acct", acct.as_str()),
        ("con", &con),
        ("imp", imp),
        ("then", "import"),
        ("form[preset]", "columns"),
        ("form[zone]", "UTC"),
        ("form[start]", "1"),
        ("form[caller]", "2"),
        ("form[callee]", "3"),
        ("form[duration]", "4"),
    ];
    let start = attacker.request(Method::POST, "/api/connectors/records/start");
    assert!(response(with_form(start, &fields)).await.status.is_redirection());
    let report = attacker.report(&acct, &page).await;
    assert!(report.contains("Rows that were not imported") && report.contains("longer than 64 KiB"), "{report}");
    let table = response(attacker.request(Method::GET, &format!("{page}/not-imported.csv"))).await;
    let kept = table.text.lines().count();
    assert!((9_000..=10_001).contains(&kept), "{kept}");
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
}

#[tokio::test]
async fn a_form_whose_headers_never_end_is_refused_early() {
    let (server, receiver) = (Capped::start(), Receiver::start().await);
    let (attacker, acct, con) = attacker(&server, &receiver).await;
    let head = format!(
        "POST /a/{acct}/connectors/{con}/records HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\nsec-fetch-site: same-origin\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: {HEADER_BYTES}\r\n\r\n--b\r\nx: ",
        server.address, attacker.cookie
    );
    let mut connection = TcpStream::connect(&server.address).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    let (mut sent, chunk) = (0, vec![b'x'; 64 * 1_024]);
    while sent < HEADER_BYTES - chunk.len() && connection.write_all(&chunk).await.is_ok() {
        sent += chunk.len();
    }
    assert!(sent < HEADER_BYTES / 2, "{sent} bytes were read");
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
    let path = format!("/a/{acct}/connectors/{con}/records");
    let sent = attacker.upload(&path, b"2026-11-28 09:30:00,01632960001,01632960100,12\n").await;
    assert!(sent.header("location").starts_with(&format!("{path}/")), "{sent:?}");
}

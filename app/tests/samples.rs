//! The samples of the guide "Verify a request", run in their own languages. Languages not installed on this
//! machine are skipped; Node.js and Python must be there.
#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::{
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use domain::{
    body::body,
    event::EventKind,
    secret::{SECRET_BYTES, SigningSecret},
    signature::header,
};

/// Extension of the sample, program, its version flag, and the runner in the folder beside this file.
const LANGUAGES: [(&str, &str, &str, &str); 5] = [
    ("js", "node", "--version", "run.mjs"),
    ("py", "python3", "--version", "run.py"),
    ("rb", "ruby", "--version", "run.rb"),
    ("php", "php", "--version", "run.php"),
    ("go", "go", "version", "run.go"),
];
/// Their absence is a failure.
const REQUIRED: [&str; 2] = ["node", "python3"];

#[derive(Clone)]
struct Request {
    body: String,
    id: String,
    timestamp: String,
    signature: String,
    secret: String,
    token: String,
}

fn secret(byte: u8) -> SigningSecret {
    SigningSecret::new(&[byte; SECRET_BYTES])
}

#[expect(clippy::disallowed_methods, reason = "the samples use the real clock")]
fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A request as Offhook sends it during a rotation: the second signature is the receiver's.
fn genuine(at_s: i64) -> Request {
    let (id, token) = ("evt_01kb", "grüße-\"token\"");
    let body = body(EventKind::CallProcessed.example(), 1_507_305_512, token);
    let signature = header(&[secret(1), secret(2)], id, at_s, body.as_bytes());
    let text = |text: &str| text.to_owned();
    let secret = text(secret(2).reveal());
    Request { body, id: text(id), timestamp: at_s.to_string(), signature, secret, token: text(token) }
}

/// What the samples must report for each request: whether the token matches, whether the signature does.
fn cases() -> Vec<(&'static str, Request, bool, bool)> {
    let good = genuine(now_s());
    let with = |change: fn(&mut Request)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    vec![
        ("genuine", good.clone(), true, true),
        ("another secret", with(|r| r.secret = secret(3).reveal().to_owned()), true, false),
        ("another token", with(|r| r.token.push('x')), false, true),
        ("body altered", with(|r| r.body = r.body.replace("7048", "7049")), true, false),
        ("id altered", with(|r| r.id.push('0')), true, false),
        ("time altered", with(|r| r.timestamp = (now_s() - 1).to_string()), true, false),
        ("replayed after six minutes", genuine(now_s() - 360), true, false),
        ("dated six minutes ahead", genuine(now_s() + 360), true, false),
        ("no signature", with(|r| r.signature.clear()), true, false),
        ("signature without its version", with(|r| r.signature = r.signature.replace("v1,", "")), true, false),
        ("no time", with(|r| r.timestamp.clear()), true, false),
        ("body without a token", with(|r| r.body = "{}".into()), false, false),
        ("body not an object", with(|r| r.body = "null".into()), false, false),
        ("body not JSON", with(|r| r.body = "x".into()), false, false),
        ("token not a string", with(|r| r.body = r#"{"auth_token":1}"#.into()), false, false),
    ]
}

/// The command that runs a sample, without our arguments.
fn command(program: &str, runner: &Path, sample: &Path) -> Command {
    if program != "go" {
        let mut command = Command::new(program);
        command.args([runner, sample]);
        return command;
    }
    // Go wants all files of a program in one folder.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample-go");
    std::fs::create_dir_all(&folder).unwrap();
    for file in [runner, sample] {
        std::fs::copy(file, folder.join(file.file_name().unwrap())).unwrap();
    }
    let built =
        Command::new(program).args(["build", "-o", "verify", "run.go", "verify.go"]).current_dir(&folder).status();
    assert!(built.unwrap().success(), "verify.go does not compile");
    Command::new(folder.join("verify"))
}

fn said(mut command: Command, request: &Request) -> String {
    let Request { body, id, timestamp, signature, secret, token } = request;
    let output = command.args([body, id, timestamp, signature, secret, token]).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_samples_of_the_guide_accept_genuine_requests_only() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (ending, program, version, runner) in LANGUAGES {
        if Command::new(program).arg(version).output().is_err() {
            assert!(!REQUIRED.contains(&program), "{program} is missing");
            continue;
        }
        let runner = here.join("tests/samples").join(runner);
        let sample = here.join(format!("src/pages/help/samples/verify.{ending}"));
        for (name, request, token, signature) in cases() {
            let said = said(command(program, &runner, &sample), &request);
            assert_eq!(said, format!("{token} {signature}"), "verify.{ending}: {name}");
        }
    }
}

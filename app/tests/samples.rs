//! Runs the code samples of `docs/help/verify.md`, each in its own language. A language that isn't installed is
//! skipped, except Node.js and Python, which every test machine has.
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

/// Language of the code block, program, its argument for printing its version, and the runner in `tests/samples`.
const LANGUAGES: [(&str, &str, &str, &str); 5] = [
    ("js", "node", "--version", "run.mjs"),
    ("py", "python3", "--version", "run.py"),
    ("rb", "ruby", "--version", "run.rb"),
    ("php", "php", "--version", "run.php"),
    ("go", "go", "version", "run.go"),
];
/// The test fails without these.
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

/// A request as the sender writes it during a rotation: the second signature is made with the receiver's secret.
fn genuine(at_s: i64) -> Request {
    let (id, token) = ("evt_01kb", "grüße-\"token\"");
    let body = body(EventKind::CallProcessed.example(), None, 1_507_305_512, token);
    let signature = header(&[secret(1), secret(2)], id, at_s, body.as_bytes());
    let text = |text: &str| text.to_owned();
    let secret = text(secret(2).reveal());
    Request { body, id: text(id), timestamp: at_s.to_string(), signature, secret, token: text(token) }
}

/// Requests with the expected results: whether the token is right, and whether the signature is.
fn cases() -> Vec<(&'static str, Request, bool, bool)> {
    let good = genuine(now_s());
    let with = |change: fn(&mut Request)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    vec![
        ("genuine request", good.clone(), true, true),
        ("another secret", with(|r| r.secret = secret(3).reveal().to_owned()), true, false),
        ("another token", with(|r| r.token.push('x')), false, true),
        ("changed body", with(|r| r.body = r.body.replace("7048", "7049")), true, false),
        ("changed id", with(|r| r.id.push('0')), true, false),
        ("changed timestamp", with(|r| r.timestamp = (now_s() - 1).to_string()), true, false),
        ("replayed after six minutes", genuine(now_s() - 360), true, false),
        ("six minutes in the future", genuine(now_s() + 360), true, false),
        ("no signature", with(|r| r.signature.clear()), true, false),
        ("signature without a version", with(|r| r.signature = r.signature.replace("v1,", "")), true, false),
        ("no timestamp", with(|r| r.timestamp.clear()), true, false),
        ("body without a token", with(|r| r.body = "{}".into()), false, false),
        ("body that is not an object", with(|r| r.body = "null".into()), false, false),
        ("body that is not JSON", with(|r| r.body = "x".into()), false, false),
        ("token that is not a string", with(|r| r.body = r#"{"auth_token":1}"#.into()), false, false),
    ]
}

/// The command that runs a sample, without our arguments.
fn command(program: &str, runner: &Path, sample: &Path) -> Command {
    if program != "go" {
        let mut command = Command::new(program);
        command.args([runner, sample]);
        return command;
    }
    // Go needs all files of a program in one folder.
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

fn output_of(mut command: Command, request: &Request) -> String {
    let Request { body, id, timestamp, signature, secret, token } = request;
    let output = command.args([body, id, timestamp, signature, secret, token]).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The code block of a language in the guide.
fn sample<'a>(guide: &'a str, language: &str) -> &'a str {
    let (_, rest) = guide.split_once(&format!("\n```{language} ")).unwrap();
    let (_, code) = rest.split_once('\n').unwrap();
    code.split_once("\n```\n").unwrap().0
}

#[test]
fn the_samples_accept_genuine_requests_and_no_others() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(here.join("../docs/help/verify.md")).unwrap();
    for (ending, program, version, runner) in LANGUAGES {
        if Command::new(program).arg(version).output().is_err() {
            assert!(!REQUIRED.contains(&program), "{program} is missing");
            continue;
        }
        let runner = here.join("tests/samples").join(runner);
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("verify.{ending}"));
        std::fs::write(&file, sample(&guide, ending)).unwrap();
        for (name, request, token, signature) in cases() {
            let output = output_of(command(program, &runner, &file), &request);
            assert_eq!(output, format!("{token} {signature}"), "verify.{ending}: {name}");
        }
    }
}

#[test]
fn every_sample_checks_both_credentials() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(here.join("../docs/help/verify.md")).unwrap();
    for language in ["js", "py", "rb", "php", "go", "cs"] {
        for part in ["auth_token", "webhook-id", "webhook-timestamp", "webhook-signature", "whsec_", "v1,"] {
            assert!(sample(&guide, language).contains(part), "{language}: {part}");
        }
    }
}

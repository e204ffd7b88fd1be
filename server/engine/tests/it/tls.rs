//! Each way in which TLS or the connection before it fails has a cause of its own, which the delivery's row in the list says.

use domain::{cause::Cause, delivery::Status, event::EventKind};

use crate::{
    harness::TestHarness,
    tls_servers::{Authority, HOST, OpenSsl, Port, knowing_no_name, open, respond, rsa, rustls, self_signed, serving},
};

/// The cause and the sentence in the list after one attempt at this port, by an engine that trusts this authority.
async fn row(authority: &Authority, port: u16) -> (Option<Cause>, String) {
    let harness = TestHarness::with_trust(authority.trust()).await;
    harness.endpoint_with(|form| form.url = format!("https://{HOST}:{port}/hook")).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    assert_eq!(harness.run().await, 1);
    let row = harness.deliveries().await.remove(0);
    assert!(matches!(row.status, Status::Retrying | Status::Delivered), "{row:?}");
    (row.failure.as_ref().map(|failure| failure.cause), row.sentence(harness.now()))
}

async fn failed(authority: &Authority, port: u16) -> (Cause, String) {
    let (cause, sentence) = row(authority, port).await;
    (cause.unwrap(), sentence)
}

fn said(cause: Cause, sentence: &str) -> (Cause, String) {
    (cause, sentence.to_owned())
}

#[tokio::test]
async fn a_trusted_certificate_is_accepted() {
    let authority = Authority::new();
    let port = rustls(serving(&authority.certify(|_| {})), respond).await;
    assert_eq!(row(&authority, port).await.0, None);
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_cause() {
    let authority = Authority::new();
    let at = rcgen::date_time_ymd;
    let expired = authority.certify(|params| params.not_after = at(2020, 1, 1));
    let (cause, sentence) = failed(&authority, rustls(serving(&expired), respond).await).await;
    assert!(cause == Cause::TlsExpired && sentence.starts_with("Certificate expired "), "{sentence}");
    let early = authority.certify(|params| (params.not_before, params.not_after) = (at(2199, 1, 1), at(2200, 1, 1)));
    let (cause, sentence) = failed(&authority, rustls(serving(&early), respond).await).await;
    assert!(
        cause == Cause::TlsNotYetValid && sentence.starts_with("Certificate isn't valid for another "),
        "{sentence}"
    );
    let other = authority.certify(|params| params.subject_alt_names = vec![name("other.example")]);
    let (cause, sentence) = failed(&authority, rustls(serving(&other), respond).await).await;
    assert_eq!((cause, sentence.as_str()), (Cause::TlsName, "Certificate is valid for other.example, not crm.example"));
    let own = failed(&authority, rustls(serving(&self_signed()), respond).await).await;
    assert_eq!(own, said(Cause::TlsSelfSigned, "Certificate is self-signed"));
    let unknown = Authority::named("Unknown authority").certify(|_| {});
    let unknown = failed(&authority, rustls(serving(&unknown), respond).await).await;
    let sentence = "Certificate isn't from a trusted authority, or its intermediate is missing";
    assert_eq!(unknown, said(Cause::TlsChain, sentence));
}

fn name(host: &str) -> rcgen::SanType {
    rcgen::SanType::DnsName(host.try_into().unwrap())
}

#[tokio::test]
async fn a_self_signed_certificate_of_openssl_is_named_as_such_and_a_weak_key_as_well() {
    let authority = Authority::new();
    let server = OpenSsl::start(&rsa(2_048), &[]);
    let own = failed(&authority, server.port).await;
    assert_eq!(own, said(Cause::TlsSelfSigned, "Certificate is self-signed"));
    let server = OpenSsl::start(&rsa(1_024), &["-cipher", "DEFAULT@SECLEVEL=0"]);
    let weak = failed(&authority, server.port).await;
    assert_eq!(weak, said(Cause::TlsWeakKey, "Certificate's key or signature is too weak: 1024-bit RSA"));
}

#[tokio::test]
async fn each_refusal_by_the_server_has_its_cause() {
    let authority = Authority::new();
    let pem = authority.certify(|_| {}).pem;
    let seclevel = "DEFAULT@SECLEVEL=0";
    for (options, cause, sentence) in [
        (&["-Verify", "1", "-tls1_3"][..], Cause::TlsClientCertificate, "Server demands a client certificate"),
        (&["-Verify", "1", "-tls1_2"], Cause::TlsClientCertificate, "Server demands a client certificate"),
        (
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
            Cause::TlsCipher,
            "Server refused the TLS handshake, usually because it shares no cipher with us",
        ),
        (&["-tls1_1", "-cipher", seclevel], Cause::TlsVersion, "Server doesn't support TLS 1.2 or newer"),
    ] {
        let server = OpenSsl::start(&pem, options);
        assert_eq!(failed(&authority, server.port).await, said(cause, sentence), "{options:?}");
    }
    let port = rustls(knowing_no_name(), respond).await;
    assert_eq!(failed(&authority, port).await, said(Cause::TlsFailed, "TLS failed: alert access_denied"));
}

#[tokio::test]
async fn a_server_that_does_not_know_the_host_says_so() {
    let authority = Authority::new();
    let names = ["-servername", "other.example", "-servername_fatal", "-cert2", "{pem}", "-key2", "{pem}"];
    let server = OpenSsl::start(&authority.certify(|_| {}).pem, &names);
    let unknown = failed(&authority, server.port).await;
    assert_eq!(unknown, said(Cause::TlsUnknownName, "Server doesn't know the host crm.example"));
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_named_by_what_it_speaks() {
    let authority = Authority::new();
    let closed = "Server closed the connection during the TLS handshake";
    for (port, cause, sentence) in [
        (
            Port::Responds(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            Cause::TlsPlainHttp,
            "crm.example:{} speaks plain HTTP, not TLS",
        ),
        (Port::Greets("SSH-2.0-OpenSSH_9.2\r\n"), Cause::TlsNotSpoken, "crm.example:{} speaks SSH, not TLS"),
        (Port::Greets("220 smtp.example ESMTP\r\n"), Cause::TlsNotSpoken, "crm.example:{} doesn't speak TLS"),
        (Port::Closes, Cause::TlsClosed, closed),
        (Port::Resets, Cause::TlsClosed, closed),
    ] {
        let number = open(port).await;
        let sentence = sentence.replace("{}", &number.to_string());
        assert_eq!(failed(&authority, number).await, (cause, sentence), "{port:?}");
    }
}

#[tokio::test]
async fn a_port_that_says_nothing_is_no_missing_response() {
    let port = open(Port::Silent).await;
    let harness = TestHarness::with_trust(Authority::new().trust()).await;
    harness
        .endpoint_with(|form| {
            form.url = format!("https://{HOST}:{port}/hook");
            form.timeout_s = "1".into();
        })
        .await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let row = harness.deliveries().await.remove(0);
    assert_eq!(row.sentence(harness.now()), "Connected, but no TLS handshake within 1 s");
}

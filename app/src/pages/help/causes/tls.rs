//! Causes of TLS: certificates and versions.

use super::advice::{Advice, Check, Meanwhile, run};

const DATES: Check = run(
    "Show the dates, the names and the issuer of the certificate that is really served.",
    "openssl s_client -connect crm.acme.example:443 -servername crm.acme.example </dev/null 2>/dev/null | openssl x509 -noout -dates -subject -issuer -ext subjectAltName",
);

pub(super) const EXPIRED: Advice = Advice {
    meaning: "The server's TLS certificate is past its last day, so we cannot know that it is your server. No request \
              was sent.",
    possible: &[
        "Automatic renewal failed, often because the path or record of its challenge is no longer reachable.",
        "It was renewed, but the server still serves the old one until it is reloaded.",
        "One of several machines behind the name was forgotten.",
    ],
    checks: &[DATES],
    fixes: &[
        "Renew the certificate, then reload the server or proxy.",
        "Watch the date: have yourself told two weeks before.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const NAME: Advice = Advice {
    meaning: "The server's certificate is valid, but not for the host in the endpoint's URL. No request was sent.",
    possible: &[
        "The URL names an alias, or the bare domain, that the certificate does not list.",
        "The proxy serves its default certificate because no site is set up for this name.",
        "The DNS record points to somebody else's machine.",
    ],
    checks: &[DATES],
    fixes: &[
        "Issue the certificate for this host: it must stand among the subject alternative names.",
        "Or put a host that the certificate lists into the endpoint's URL.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const CHAIN: Advice = Advice {
    meaning: "We could not get from the server's certificate to an issuer that is publicly trusted. Browsers often fill \
              the gap from memory, so the site may look fine in one. No request was sent.",
    possible: &[
        "The server sends its own certificate without the intermediate ones.",
        "The certificate signed itself, or was issued by a private authority.",
        "The server sends the intermediate of an earlier certificate.",
    ],
    checks: &[run(
        "List the chain that is served. The last line must say: Verify return code: 0 (ok).",
        "openssl s_client -connect crm.acme.example:443 -servername crm.acme.example -showcerts </dev/null",
    )],
    fixes: &[
        "Serve the whole chain: most issuers hand out a file named fullchain for this.",
        "Use a certificate of a public authority; private authorities are not accepted.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const VERSION: Advice = Advice {
    meaning: "The server offers no TLS 1.2 or 1.3 with a cipher that we accept, or does not speak TLS at this port at all. \
              No request was sent.",
    possible: &[
        "The port speaks plain HTTP while the URL says https.",
        "The server is old and knows only TLS 1.1 or earlier.",
        "The server asks for a client certificate, which we do not have.",
    ],
    checks: &[
        run(
            "Try TLS 1.2 by itself.",
            "openssl s_client -connect crm.acme.example:443 -servername crm.acme.example -tls1_2 </dev/null",
        ),
        run("See whether the port answers plain HTTP.", "curl -sv http://crm.acme.example:443/"),
    ],
    fixes: &[
        "Enable TLS 1.2 and 1.3 with current ciphers.",
        "Correct the port, or end TLS in a proxy before your server.",
    ],
    meanwhile: Meanwhile::Retried,
};

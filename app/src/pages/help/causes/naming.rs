//! Causes before a connection: the name and the address behind it.

use super::advice::{Advice, Meanwhile, run};

pub(super) const DNS_NOT_FOUND: Advice = Advice {
    meaning: "We asked the DNS for the address of the endpoint's host and were told that there is none. No connection \
              was made, so nothing can have reached your server.",
    possible: &[
        "The host is misspelt in the endpoint's URL.",
        "The record was removed, or moved to another zone, or never published outside your own network.",
        "The domain's registration has lapsed.",
    ],
    checks: &[
        run(
            "Ask for the addresses of the host. An empty answer is what we see.",
            "dig +short crm.acme.example A crm.acme.example AAAA",
        ),
        run(
            "Ask a public resolver, to rule out a record that only your own network knows.",
            "dig +short crm.acme.example @9.9.9.9",
        ),
    ],
    fixes: &[
        "Correct the host in the endpoint.",
        "Publish an A or AAAA record for it. Retries pick it up as soon as the old answer's lifetime has passed.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const DNS_TIMEOUT: Advice = Advice {
    meaning: "We asked for the address of the endpoint's host and got no answer within three seconds. The name may \
              exist; its name servers did not say so in time.",
    possible: &[
        "The name servers of the domain are down or overloaded.",
        "They answer over UDP but drop larger answers or TCP.",
        "A broken DNSSEC signature makes resolvers discard the answer.",
    ],
    checks: &[
        run(
            "Follow the delegation down to the servers of the domain and see where it stops.",
            "dig +trace crm.acme.example",
        ),
        run("See how long an answer takes, and whether its status is SERVFAIL.", "dig crm.acme.example"),
    ],
    fixes: &[
        "Repair or replace the name server that does not answer; two in different networks are usual.",
        "With SERVFAIL, correct the DS record at the registrar or sign the zone again.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const BLOCKED_ADDRESS: Advice = Advice {
    meaning: "The host resolves to an address that is not on the public internet: private, loopback, link-local, \
              reserved, or used for cloud metadata. Such addresses are refused, so that nobody can use webhooks to \
              reach into a network from inside. The address is checked again at every connection.",
    possible: &[
        "The host has a public and a private address, and one of them is not allowed.",
        "The record was meant for your own network, as with split DNS.",
        "A placeholder such as 127.0.0.1 was left in the DNS.",
    ],
    checks: &[run(
        "List every address of the host. All of them must be public.",
        "dig +short crm.acme.example A crm.acme.example AAAA",
    )],
    fixes: &[
        "Use a URL whose host has public addresses only.",
        "If your receiver runs in the same network as Offhook, ask its operator to allow the network; see OFFHOOK_EGRESS_ALLOW in the operations guide.",
    ],
    meanwhile: Meanwhile::Retried,
};

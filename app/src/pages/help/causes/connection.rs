//! Causes of the connection itself.

use super::advice::{Advice, Meanwhile, look, run};

pub(super) const CONNECT_REFUSED: Advice = Advice {
    meaning: "The machine at this address answered at once that nothing listens at the port. No request was sent.",
    possible: &[
        "Your server is not running, or is just restarting.",
        "It listens on another port, or only on 127.0.0.1.",
        "A firewall rejects the connection instead of dropping it.",
    ],
    checks: &[
        run("Try the port from outside your network.", "nc -vz crm.acme.example 443"),
        run("On the server, see what listens where. 127.0.0.1 or [::1] means: not from outside.", "ss -ltnp"),
    ],
    fixes: &[
        "Start the server, and let it be started again by itself after a crash or a reboot.",
        "Let it, or the proxy before it, listen on the public address and on the port of the URL.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const CONNECT_TIMEOUT: Advice = Advice {
    meaning: "We tried to connect and heard nothing for five seconds: neither yes nor no. No request was sent.",
    possible: &[
        "A firewall drops packets from our addresses.",
        "The address is old: the machine behind it is gone or has moved.",
        "One of several addresses of the host is dead, often the IPv6 one.",
    ],
    checks: &[
        run("Try the port from outside your network.", "nc -vz -w 5 crm.acme.example 443"),
        run(
            "Try IPv6 by itself when the host has an AAAA record.",
            "curl -6 -sv -m 5 -o /dev/null https://crm.acme.example/",
        ),
        look("Compare with your firewall's log at the time of the attempt."),
    ],
    fixes: &[
        "Let connections to this port in, from everywhere or from the addresses that the operator of Offhook names.",
        "Correct the DNS record, and take out addresses that do not answer.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const RESET: Advice = Advice {
    meaning: "The connection stood, and was closed before a whole answer had come. Your server may have read the \
              request and may have worked on it.",
    possible: &[
        "The process behind the port crashed or was restarted while it had the request.",
        "A proxy or load balancer closed the connection, for its own time limit or because its upstream went away.",
        "The port speaks another protocol and hung up on ours.",
    ],
    checks: &[
        look("Look in the logs of your server and your proxy at the time of the attempt, in UTC."),
        run(
            "Send a request by hand and see where it ends.",
            "curl -sv -X POST -H 'Content-Type: application/json' -d '{}' https://crm.acme.example/calls",
        ),
    ],
    fixes: &[
        "Let the server finish its open requests before it stops.",
        "Drop repeats by webhook-id: the next attempt carries the same one.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const BAD_RESPONSE: Advice = Advice {
    meaning: "Something answered at the port, but what it said cannot be read as an HTTP response.",
    possible: &[
        "The port belongs to another service, such as SSH or a database.",
        "The URL begins with http:// and the port speaks TLS.",
        "A hand-written server leaves out the status line, or states a Content-Length that is not true.",
    ],
    checks: &[run(
        "See the first bytes of the answer as they come.",
        "curl -sv --http1.1 --raw -X POST -d '{}' https://crm.acme.example/calls",
    )],
    fixes: &[
        "Correct the port or the scheme of the URL.",
        "Let an HTTP server or framework write the response rather than your own code.",
    ],
    meanwhile: Meanwhile::Retried,
};

//! Causes inside the receiver: 5xx and no answer in time.

use super::advice::{Advice, Meanwhile, look, run};

pub(super) const ERROR: Advice = Advice {
    meaning: "Your server took the request and failed over it. It may have done a part of its work.",
    possible: &[
        "Your code fails at this payload: a field that is missing, a party that is a plain string, a cost that is a string.",
        "Something that it needs was away: its database, its queue, another service.",
        "It is overloaded, or answers 503 while it is being deployed.",
    ],
    checks: &[
        look("Look in your server's log at the time of the attempt, in UTC, and for the webhook-id."),
        look("Open the attempt and read the response body."),
        look("Send the same payload as a test from the endpoint's page and follow it in your code."),
    ],
    fixes: &[
        "Store the event, answer 2xx, and work on it afterwards: then an error later costs no delivery.",
        "Answer 503 with Retry-After while you are under maintenance; the time is honoured.",
        "Resend the failed deliveries when it is mended.",
    ],
    meanwhile: Meanwhile::RetriedWhenAsked,
};

pub(super) const PROXY: Advice = Advice {
    meaning: "A proxy or load balancer took the request, but the application behind it did not answer it: not at all (502) \
              or not in time (504).",
    possible: &[
        "The application is down or being restarted.",
        "It listens on another port or socket than the proxy thinks.",
        "It needs longer than the proxy waits.",
    ],
    checks: &[
        look("Read the proxy's error log at the time of the attempt: it names the upstream and the reason."),
        run(
            "On the proxy's machine, ask the application directly.",
            "curl -sv -X POST -d '{}' http://127.0.0.1:8080/calls",
        ),
    ],
    fixes: &[
        "Start the application, and correct the upstream in the proxy.",
        "Answer first and work later, so that no time limit is reached.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const TIMEOUT: Advice = Advice {
    meaning: "The request was sent and no complete answer came within the endpoint's time limit, 15 seconds unless it sets \
              its own. Your server may still have processed the event.",
    possible: &[
        "The receiver does all its work before it answers.",
        "It waits for a lock, a database or another service.",
        "It has too few workers for the calls of a busy hour.",
        "It sends the head of the answer and then never ends the body.",
    ],
    checks: &[
        look("Compare the parts of the attempt's time: a long wait is your server, a long connection the network."),
        run(
            "Measure an answer by hand.",
            "curl -s -o /dev/null -w '%{time_connect} %{time_starttransfer} %{time_total}\\n' -X POST -d '{}' https://crm.acme.example/calls",
        ),
    ],
    fixes: &[
        "Store the event, answer 2xx at once, and work on it in the background.",
        "Drop repeats by webhook-id: an event that you have already processed comes again.",
        "Only if it must be: raise the endpoint's time limit, to 30 seconds at the most.",
    ],
    meanwhile: Meanwhile::Retried,
};

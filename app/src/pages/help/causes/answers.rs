//! Causes that are an answer of the server: 3xx and 4xx.

use super::advice::{Advice, Check, Meanwhile, look, run};

const BY_HAND: Check = run(
    "Send a request of the same shape by hand.",
    "curl -sv -X POST -H 'Content-Type: application/json' -d '{}' https://crm.acme.example/calls",
);

pub(super) const REDIRECTED: Advice = Advice {
    meaning: "The answer was a 3xx. Redirects are never followed: they would carry the auth token to an address that \
              nobody entered here.",
    possible: &[
        "The URL begins with http:// and the server sends everybody to https://.",
        "The server adds or removes www, or a slash at the end of the path.",
        "The request was sent on to a sign-in page because the route is not public.",
    ],
    checks: &[run(
        "See where the redirect points: the Location header.",
        "curl -si -X POST -d '{}' https://crm.acme.example/calls | grep -i ^location",
    )],
    fixes: &[
        "Put the final URL into the endpoint.",
        "Leave the route out of redirects and of the sign-in of your application.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const REFUSED: Advice = Advice {
    meaning: "Your server, or something before it, did not accept the credentials of the request.",
    possible: &[
        "The auth token or the signing secret on your side is an old one, or belongs to another endpoint.",
        "The signature is checked over a body that was parsed and written again, not over the bytes that came.",
        "The clock of your server is wrong by more than its tolerance.",
        "Your framework demands a CSRF token, or a firewall before it does not know us.",
    ],
    checks: &[
        look("Compare the last four characters of the secret on the endpoint's page with those on your server."),
        look("Send a test from the endpoint's page and let your server log which check failed."),
        run("On the server, look at the clock.", "timedatectl status"),
    ],
    fixes: &[
        "Copy the credentials again from the endpoint's page.",
        "Check the signature over the raw body, as the samples of the guide do.",
        "Leave this one route out of CSRF protection; the credentials stand in for it.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const NOT_FOUND: Advice = Advice {
    meaning: "The server was reached, but has nothing at the path of the endpoint's URL.",
    possible: &[
        "The path is misspelt, or has changed with a release of your application.",
        "The route exists for GET only and the framework says 404 for other methods.",
        "The proxy hands the host to another application.",
    ],
    checks: &[BY_HAND],
    fixes: &[
        "Correct the path in the endpoint, or put the route back.",
        "When you move a route, keep the old one until the endpoint has the new URL.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const METHOD: Advice = Advice {
    meaning: "The path exists, but not for POST, which is the method of every webhook request.",
    possible: &[
        "The route is registered for GET only.",
        "The URL is that of a page rather than that of a receiver.",
        "A static file server or a cache answers in place of your application.",
    ],
    checks: &[run(
        "See which methods the path accepts: the Allow header.",
        "curl -si -X POST -d '{}' https://crm.acme.example/calls | grep -i ^allow",
    )],
    fixes: &["Let the route accept POST.", "Correct the path in the endpoint's URL."],
    meanwhile: Meanwhile::Retried,
};

pub(super) const GONE: Advice = Advice {
    meaning: "410 is how a receiver says that it wants nothing more. We take it at its word and pause the endpoint at once.",
    possible: &[
        "The integration was switched off on your side.",
        "A framework or hosting service answers 410 for a site that is closed.",
        "The receiver was moved, and its old path now answers 410.",
    ],
    checks: &[BY_HAND],
    fixes: &[
        "Correct the URL if the receiver has moved, then resume the endpoint: held events go out then.",
        "If you want no more events, delete the endpoint.",
        "Answer 503 instead of 410 while your receiver is away for a while.",
    ],
    meanwhile: Meanwhile::Paused,
};

pub(super) const TOO_LARGE: Advice = Advice {
    meaning: "Your server or a proxy before it limits the size of request bodies, and this one was larger.",
    possible: &[
        "The proxy's limit is very low; ours are a few hundred bytes as a rule and 256 KiB at the most.",
        "The framework has a limit of its own for JSON bodies.",
    ],
    checks: &[
        look(
            "Read the attempt's response: its Server header often tells whether the proxy or the application refused.",
        ),
        look("Look up the limit, such as client_max_body_size of nginx or the body limit of your framework."),
    ],
    fixes: &["Raise the limit for this route to 256 KiB."],
    meanwhile: Meanwhile::Retried,
};

pub(super) const REJECTED: Advice = Advice {
    meaning: "Your server says that the request is at fault. Its response body, kept with the attempt, usually says why.",
    possible: &[
        "Your code expects a field or a type that this event does not have; cost and parties come in two forms.",
        "A check of the content type or of a header fails.",
        "A firewall takes phone numbers or JSON for an attack.",
    ],
    checks: &[
        look("Open the attempt and read the response body."),
        look("Send the same payload as a test from the endpoint's page and follow it in your code."),
    ],
    fixes: &[
        "Accept every form of the payload that the guide lists, and ignore fields that you do not know.",
        "Answer 2xx for events that do not concern you; a 4xx makes us try again.",
    ],
    meanwhile: Meanwhile::Retried,
};

pub(super) const SLOW_DOWN: Advice = Advice {
    meaning: "Your server takes fewer requests than came. If it sends Retry-After, we wait as long as it says, up to one hour.",
    possible: &[
        "A limit per address in your proxy or firewall counts all our requests as one client.",
        "A burst of calls, or of held events after a pause, is more than the limit allows.",
    ],
    checks: &[
        look("Look in the attempt's response for Retry-After and for headers that name the limit."),
        look("Compare the number of events per second at this time with the limit of your server."),
    ],
    fixes: &[
        "Set the endpoint's own limit of events per second below that of your server.",
        "Or raise your server's limit for this route.",
    ],
    meanwhile: Meanwhile::RetriedWhenAsked,
};

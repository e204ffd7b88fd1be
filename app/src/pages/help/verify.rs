//! How a receiver knows that a request is genuine. The samples are files of their own; a test runs them.

use leptos::prelude::*;

use super::guide::{Part, Sample, guide_page};
use crate::html::IntoHtml;

/// A language of the guide.
struct Language {
    id: &'static str,
    name: &'static str,
    /// How to get at the body as it came in.
    raw_body: &'static str,
    /// The official library of Standard Webhooks.
    library: &'static str,
    sample: &'static str,
}

const LANGUAGES: [Language; 6] = [
    Language {
        id: "node",
        name: "Node.js",
        raw_body: "With Express, give this route express.raw({ type: \"application/json\" }); req.body is a Buffer then.",
        library: "npm install standardwebhooks",
        sample: include_str!("samples/verify.js"),
    },
    Language {
        id: "python",
        name: "Python",
        raw_body: "Flask: request.get_data(). Django: request.body. FastAPI: await request.body().",
        library: "pip install standardwebhooks",
        sample: include_str!("samples/verify.py"),
    },
    Language {
        id: "ruby",
        name: "Ruby",
        raw_body: "Rails: request.raw_post and request.headers. Skip verify_authenticity_token for this action.",
        library: "gem install standardwebhooks",
        sample: include_str!("samples/verify.rb"),
    },
    Language {
        id: "php",
        name: "PHP",
        raw_body: "file_get_contents('php://input'); in Laravel, $request->getContent().",
        library: "composer require standard-webhooks/standard-webhooks",
        sample: include_str!("samples/verify.php"),
    },
    Language {
        id: "go",
        name: "Go",
        raw_body: "io.ReadAll(http.MaxBytesReader(w, r.Body, 256<<10)) and r.Header.",
        library: "go get github.com/standard-webhooks/standard-webhooks/libraries",
        sample: include_str!("samples/verify.go"),
    },
    Language {
        id: "csharp",
        name: "C#",
        raw_body: "ASP.NET Core: copy Request.Body into a MemoryStream and take ToArray(), before any model binding.",
        library: "dotnet add package StandardWebhooks",
        sample: include_str!("samples/verify.cs"),
    },
];

/// `/help/verify`.
#[component]
pub fn VerifyPage() -> impl IntoView {
    let lead = "Anybody can post to a public URL. Check one of two credentials before you believe a request; the endpoint's page shows both.";
    guide_page("/verify", "Verify a request", lead, || {
        view! {
            <Part id="ways" title="Two ways">
                <ul>
                    <li>
                        <strong>"Auth token. "</strong>"It stands in the body as "<code>"auth_token"</code>
                        ". Compare it with yours in constant time. Simple, but whoever reads one request can send others."
                    </li>
                    <li>
                        <strong>"Signature. "</strong>"The header "<code>"webhook-signature"</code>
                        " proves that the request comes from somebody who knows the signing secret, that nothing in it was \
                         changed, and when it was sent. The secret itself never travels. Prefer this one."
                    </li>
                </ul>
                <p>"Answer 401 when the check fails. The failure is then shown to you with its cause."</p>
            </Part>
            <Signature/>
            <Part id="samples" title="Samples">
                <p>"Each needs nothing but the language's standard library. "{links()}</p>
                {LANGUAGES.iter().map(sample).collect_view()}
            </Part>
        }
        .into_html()
    })
}

#[component]
fn Signature() -> impl IntoView {
    view! {
        <Part id="signature" title="How the signature is made">
            <p>
                "By the specification "
                <a href="https://www.standardwebhooks.com/">"Standard Webhooks"</a>
                ", so its libraries work as they are."
            </p>
            <ol>
                <li>"Take the signing secret, leave out "<code>"whsec_"</code>", and decode the rest from base64: this is the key."</li>
                <li>
                    "Join "<code>"webhook-id"</code>", "<code>"webhook-timestamp"</code>
                    " and the body by dots. Use the bytes of the body as they came; JSON that was parsed and written again differs."
                </li>
                <li>"Compute HMAC-SHA256 of that, encode it as base64, and put "<code>"v1,"</code>" before it."</li>
                <li>
                    "The header holds one signature or more, separated by spaces. The request is genuine if any of them is equal \
                     to yours."
                </li>
                <li>
                    "Refuse a "<code>"webhook-timestamp"</code>
                    " more than five minutes from your clock. It is the time of the attempt, so retries are not hit by this."
                </li>
            </ol>
        </Part>
    }
}

fn links() -> impl IntoView {
    let link = |language: &Language| {
        view! { <a class="mr-3" href=format!("#{}", language.id)>{language.name}</a> }
    };
    LANGUAGES.iter().map(link).collect_view()
}

fn sample(language: &'static Language) -> impl IntoView {
    view! {
        <h3 id=language.id class="">{language.name}</h3>
        <Sample what=format!("sample in {}", language.name) text=language.sample/>
        <p>"The body: "{language.raw_body}</p>
        <p>"Or with the official library, for the signature: "<code>{language.library}</code></p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_checks_both_credentials() {
        for language in LANGUAGES {
            for part in ["auth_token", "webhook-id", "webhook-timestamp", "webhook-signature", "whsec_", "v1,"] {
                assert!(language.sample.contains(part), "{}: {part}", language.name);
            }
        }
    }
}

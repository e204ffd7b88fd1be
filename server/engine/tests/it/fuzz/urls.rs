//! A URL that was accepted is stored in one spelling, and its host is the same to whoever vets it and whoever connects.

use domain::target::TargetUrl;
use http::Uri;
use url::Url;

use super::texts;

#[test]
fn an_accepted_url_means_the_same_to_the_guard_and_to_the_client() {
    texts("urls", 2_000, |typed| {
        let Ok(target) = TargetUrl::parse(typed) else { return };
        let url = Url::parse(target.as_str()).unwrap();
        assert!(matches!(url.scheme(), "http" | "https"));
        assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
        assert_ne!(target.port(), 0);
        assert!(!target.as_str().contains(|c: char| c.is_control() || c.is_whitespace()), "it would break a log line");
        assert_eq!(TargetUrl::parse(target.as_str()).as_ref(), Ok(&target), "it changes when it is saved again");
        let uri: Uri = target.as_str().parse().expect("the client can call it");
        assert_eq!(uri.host(), url.host_str());
        assert_eq!(uri.port_u16(), url.port());
        assert_eq!(uri.path(), url.path());
        assert_eq!(uri.query().unwrap_or_default(), url.query().unwrap_or_default());
    });
}

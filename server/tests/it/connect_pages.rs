//! The pages that create connectors and set them up, without script.

use domain::connector::{System, Way};
use reqwest::Method;
use serde_json::Value;

use crate::{browser::Browser, ops::operator, test_app::TestApp};

const AMI_ADDRESS: &str = "127.0.0.1:5038";

/// What the page posts, with the default of every field.
async fn created(operator: &mut Browser<'_>, system: &str, way: &str) -> String {
    let mut fields = vec![("form[name]", "pbx"), ("form[system]", system), ("form[way]", way)];
    let page = operator.get(&format!("/ops/connectors/new?system={system}")).await.text;
    if page.contains("form[ami_address]") {
        fields.push(("form[ami_address]", AMI_ADDRESS));
    }
    let sent = operator.post("/api/ops/connectors/create", &fields).await;
    sent.header("location").to_owned()
}

#[tokio::test]
async fn operators_connect_each_phone_system_in_each_way_that_the_page_offers() {
    let app = TestApp::start().await;
    let mut olga = operator(&app).await;
    for system in System::ALL {
        let ways = system.ways().iter().map(|way| (way.as_str(), *way));
        // Without a choice, the page posts none.
        for (posted, way) in ways.chain([("", system.ways()[0])]) {
            let page = created(&mut olga, system.as_str(), posted).await;
            let next = if way == Way::Files { "/records" } else { "/connect" };
            let is_there = page.starts_with("/ops/connectors/con_") && page.ends_with(next);
            assert!(is_there, "{system:?} {posted}: {page:?}");
        }
    }
    let token = app.token(None, &[domain::token::Scope::ConnectorsRead]).await;
    let listed = app.call(Method::GET, "/api/v1/connectors", &token, None).await.json();
    let addresses = listed["data"].as_array().unwrap().iter().map(|one| (&one["way"], &one["ami_address"]));
    for (way, address) in addresses {
        let expected = if way == Way::Ami.as_str() { Value::from(AMI_ADDRESS) } else { Value::Null };
        assert_eq!(*address, expected, "{way}");
    }
}

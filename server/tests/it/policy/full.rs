//! An account in which every page, function and call finds what it asks for.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{receiver::Receiver, test_app::Tenant};

/// An account with one thing of each kind in it.
pub(crate) struct Full {
    pub(crate) ids: BTreeMap<&'static str, String>,
}

impl Full {
    pub(crate) async fn of(tenant: &Tenant<'_>, receiver: &Receiver) -> Self {
        let endpoint = tenant.endpoint(&receiver.url).await;
        let ep = endpoint["id"].as_str().unwrap().to_owned();
        let call = "2f533604-aaaf-11e7-b600-7ac8e42434d2";
        let payload = json!({ "event": "IncomingCall", "call_id": call, "callee_number": "1", "caller_number": "2" });
        let event = tenant.post("/api/v1/events", &json!({ "payload": payload })).await.json();
        let delivery = tenant.until_delivery_is("delivered").await;
        let token = tenant.post("/api/v1/tokens", &json!({ "name": "x", "scopes": ["events:read"] })).await.json();
        let connector = tenant.post("/api/v1/connectors", &json!({ "name": "x", "system": "asterisk" })).await.json();
        let ids = [
            (":con", connector["id"].as_str().unwrap().to_owned()),
            (":acct", tenant.account.id.to_string()),
            (":ep", ep),
            (":evt", event["id"].as_str().unwrap().to_owned()),
            (":dlv", delivery["id"].as_str().unwrap().to_owned()),
            (":tok", token["id"].as_str().unwrap().to_owned()),
            (":call", call.to_owned()),
            (":n", "1".to_owned()),
            (":code", "http_404".to_owned()),
            // These do not exist; permitted visitors get a not-found page.
            (":job", "job_00000000000000000000000000".to_owned()),
            (":imp", "imp_00000000000000000000000000".to_owned()),
            (":usr", "usr_00000000000000000000000000".to_owned()),
            (":link", "nothing".to_owned()),
            ("*any", "nowhere".to_owned()),
        ];
        Self { ids: ids.into() }
    }

    pub(crate) fn path(&self, route: &str) -> String {
        let filled = |part: &str| self.ids.get(part).cloned().unwrap_or_else(|| part.to_owned());
        route.split('/').map(filled).collect::<Vec<_>>().join("/")
    }

    /// Every field of any form, so that a refusal can only be about the visitor.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let text = |value: &str| value.to_owned();
        vec![
            ("acct", self.ids[":acct"].clone()),
            ("ep", self.ids[":ep"].clone()),
            ("dlv", self.ids[":dlv"].clone()),
            ("evt", self.ids[":evt"].clone()),
            ("call", self.ids[":call"].clone()),
            ("token", self.ids[":tok"].clone()),
            ("con", self.ids[":con"].clone()),
            ("job", self.ids[":job"].clone()),
            ("imp", self.ids[":imp"].clone()),
            ("user", self.ids[":usr"].clone()),
            ("usr", self.ids[":usr"].clone()),
            ("invite", text("inv_00000000000000000000000000")),
            ("inv", text("inv_00000000000000000000000000")),
            ("link", text("nothing")),
            ("failing", text("false")),
            ("query", String::new()),
            ("path", text("/")),
            ("version", text("1")),
            ("url", text("https://acme.example/")),
            ("role", text("viewer")),
            ("behaviour", text("ok")),
            ("duplicate", text("allow")),
            ("then", text("save")),
            ("kind", text("IncomingCall")),
            ("name", text("x")),
            ("what", text("auth_token")),
            ("credential", text("auth_token")),
            ("overlap_h", text("1")),
            ("queries[]", String::new()),
            ("text", text("x")),
            ("account", self.ids[":acct"].clone()),
            ("before", String::new()),
            ("session", text("sup_00000000000000000000000000")),
            ("party", text("caller")),
            ("back", text("/")),
            ("handle", text("x")),
            ("worker", text("outbox")),
            ("item", text("x")),
            ("form[from]", text("2026-01-01T00:00")),
            ("form[which]", text("failed")),
            ("policy", text("sign_up")),
            ("value", text("open")),
            ("form[name]", text("x")),
            ("form[email]", text("x@acme.example")),
            ("form[role]", text("viewer")),
            ("form[kind]", text("IncomingCall")),
            ("form[payload]", text("{}")),
            ("form[password]", text("x")),
            ("form[code]", text("123456")),
            ("form[current]", text("x")),
            ("form[account]", self.ids[":acct"].clone()),
            ("form[reason]", text("x")),
            ("form[ticket]", text("x")),
            ("form[minutes]", text("15")),
            ("form[system]", text("asterisk")),
            ("form[number]", text("+441632960001")),
            ("form[routes]", text("*,acme")),
            ("form[mapping]", text("{}")),
            ("form[picked][]", text("provider")),
            ("number", text("*")),
            ("form[url]", text("https://a.example/")),
            ("form[events][]", text("IncomingCall")),
            ("form[scopes][]", text("events:read")),
        ]
    }
}

//! The installation's own audit log: what operators did, and who signed in with which password.

use domain::audit::INSTALLATION_AREAS;
use leptos::prelude::*;

use super::viewpoint;
use crate::html::IntoHtml;
use crate::{
    api::ops::load_audit,
    components::heading::Heading,
    links,
    pages::{
        audit::{AuditLog, Exports},
        ops_page,
    },
};

/// `/ops/audit`
#[component]
pub fn OpsAuditPage() -> impl IntoView {
    ops_page(async |place, visit| {
        let page = load_audit(place.query.clone()).await?;
        let view = viewpoint(&visit);
        let lead = format!(
            "What operators did, and people to their own sign-in. Records are only ever added. {}.",
            view.clock()
        );
        let base = links::OPS_AUDIT.to_owned();
        let exports = view! { <Exports query=place.query.clone() base=base.clone()/> };
        Ok(view! {
            <Heading title="Audit" lead=lead>{exports}</Heading>
            <AuditLog page=page query=place.query areas=&INSTALLATION_AREAS base=base view=view/>
        }
        .into_html())
    })
}

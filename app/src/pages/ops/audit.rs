//! The audit log of the ops pages: actions of operators, and security events of users.

use domain::audit::OPS_AREAS;
use leptos::prelude::*;

use crate::html::IntoHtml;
use crate::{
    api::ops::load_audit,
    components::{heading::Heading, render_context::RenderContext},
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
        let view = RenderContext::from(&visit);
        let lead = format!(
            "Actions of operators, and changes users made to their own sign-in. Append-only. {}.",
            view.clock()
        );
        let base = links::OPS_AUDIT.to_owned();
        let exports = view! { <Exports query=place.query.clone() base=base.clone()/> };
        Ok(view! {
            <Heading title="Audit log" lead=lead>{exports}</Heading>
            <AuditLog page=page query=place.query areas=&OPS_AREAS base=base view=view/>
        }
        .into_html())
    })
}

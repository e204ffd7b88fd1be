//! Policies: loading and forms.

use domain::ops::policy::Policy;
use leptos::prelude::*;

use crate::error::UiError;

/// All policies with their current values.
pub async fn load_policies() -> Result<Vec<Policy>, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.policies(&ssr::operator().await?).await?)
}

/// Sets a policy after a preview.
#[server(prefix = "/api", endpoint = "ops/policies/set")]
pub async fn set_policy(policy: String, #[server(default)] value: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::ops::policy::PolicyName;
    ssr::form(links::OPS_POLICIES, &(), async {
        let operator = ssr::operator().await?;
        let set = ssr::backend()?.set_policy(&operator, PolicyName::named(&policy)?, Some(&value)).await?;
        Ok(ssr::Done::to(links::OPS_POLICIES).saying(set.confirmation()))
    })
    .await
}

/// Resets a policy to its environment variable.
#[server(prefix = "/api", endpoint = "ops/policies/unset")]
pub async fn unset_policy(policy: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::ops::policy::PolicyName;
    ssr::form(links::OPS_POLICIES, &(), async {
        let operator = ssr::operator().await?;
        let unset = ssr::backend()?.set_policy(&operator, PolicyName::named(&policy)?, None).await?;
        Ok(ssr::Done::to(links::OPS_POLICIES).saying(unset.confirmation()))
    })
    .await
}

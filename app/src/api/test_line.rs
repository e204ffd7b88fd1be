//! The test line: loading and forms.

use domain::test_line::TestLine;
use leptos::prelude::*;

use crate::error::UiError;

/// The account's test line with its latest requests.
pub async fn load_test_line(acct: String) -> Result<TestLine, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.test_line(&ssr::actor(&acct).await?).await?)
}

/// Changes how the test line responds.
#[server(prefix = "/api", endpoint = "test-line/behave")]
pub async fn set_behaviour(acct: String, #[server(default)] behaviour: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::test_line::Behaviour;
    let page = links::account(&acct, "test-line");
    ssr::form(&page, &(), async {
        let chosen =
            Behaviour::parse(&behaviour).ok_or_else(|| domain::Error::invalid("behaviour", "Choose a response."))?;
        ssr::backend()?.set_test_line(&ssr::actor(&acct).await?, chosen).await?;
        Ok(ssr::Done::to(&page).saying(format!("Saved. The test line now responds with: {}.", chosen.label())))
    })
    .await
}

/// Deletes the recorded requests.
#[server(prefix = "/api", endpoint = "test-line/clear")]
pub async fn clear_requests(acct: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::account(&acct, "test-line");
    ssr::form(&page, &(), async {
        ssr::backend()?.clear_test_line(&ssr::actor(&acct).await?).await?;
        Ok(ssr::Done::to(&page).saying("Requests cleared."))
    })
    .await
}

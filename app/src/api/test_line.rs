//! The test line: what its page loads and what its forms do.

use domain::test_line::TestLine;
use leptos::prelude::*;

use crate::error::UiError;

/// The account's line with its latest requests.
pub async fn load_test_line(acct: String) -> Result<TestLine, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.test_line(&ssr::actor(&acct).await?).await?)
}

/// Changes how the line answers.
#[server(prefix = "/api", endpoint = "test-line/behave")]
pub async fn set_behaviour(acct: String, #[server(default)] behaviour: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::test_line::Behaviour;
    let page = links::account(&acct, "test-line");
    ssr::form(&page, &(), async {
        let chosen = Behaviour::parse(&behaviour)
            .ok_or_else(|| domain::Error::invalid("behaviour", "Pick one of the answers."))?;
        ssr::backend()?.set_test_line(&ssr::actor(&acct).await?, chosen).await?;
        Ok(ssr::Done::to(&page).saying(format!("From now on the test line answers: {}.", chosen.words())))
    })
    .await
}

/// Forgets the line's requests.
#[server(prefix = "/api", endpoint = "test-line/clear")]
pub async fn clear_requests(acct: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::account(&acct, "test-line");
    ssr::form(&page, &(), async {
        ssr::backend()?.clear_test_line(&ssr::actor(&acct).await?).await?;
        Ok(ssr::Done::to(&page).saying("The list is empty again."))
    })
    .await
}

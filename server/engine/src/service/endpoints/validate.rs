//! What an endpoint's form asks for, held against all rules at once: its own, and where we call.

use domain::{
    Error, FieldError,
    endpoint::{EndpointForm, NewEndpoint},
    error::Result,
    target::TargetUrl,
};

use crate::Engine;

impl Engine {
    /// The form, checked, with a URL that leads where we call. All complaints come together.
    pub(super) async fn checked(&self, form: &EndpointForm) -> Result<NewEndpoint> {
        let checked = form.check();
        let Ok(url) = TargetUrl::parse(&form.url) else { return checked };
        let Err(failure) = self.sender().outbound.vet(&url).await else { return checked };
        let said = format!("{}. {}", failure.sentence(self.now()), failure.remedy());
        let mut wrong = vec![FieldError::new("url", said)];
        if let Err(Error::Invalid(others)) = checked {
            wrong.extend(others);
        }
        Err(Error::Invalid(wrong))
    }
}

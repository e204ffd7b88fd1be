//! Validates endpoints: field rules, and whether the URL may be called.

use domain::{
    Error, FieldError,
    endpoint::{EndpointInput, NewEndpoint},
    error::Result,
    target::TargetUrl,
};

use crate::Engine;

impl Engine {
    /// Checks the input and whether its URL may be called. Reports all errors at once.
    pub(super) async fn checked(&self, input: &EndpointInput) -> Result<NewEndpoint> {
        let checked = input.check();
        let Ok(url) = TargetUrl::parse(&input.url) else { return checked };
        let Err(failure) = self.sender().outbound.vet(&url).await else { return checked };
        let said = format!("{}. {}", failure.sentence(self.now()), failure.remedy());
        let mut wrong = vec![FieldError::new("url", said)];
        if let Err(Error::Invalid(others)) = checked {
            wrong.extend(others);
        }
        Err(Error::Invalid(wrong))
    }
}

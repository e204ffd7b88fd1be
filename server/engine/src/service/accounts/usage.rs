//! The limits of accounts, and what is used of them.

use domain::{
    Error,
    account::{Account, AccountUsage, Limit, Limits, MB, StorageLevel},
    error::Result,
    id::AccountId,
    member::Team,
};

use crate::{
    Engine,
    store::{
        accounts::{self, storage},
        credentials::api_tokens,
        endpoints,
        members::{self, invitations},
    },
};

impl Engine {
    /// The limits that apply to an account, or to the installation's own staff.
    pub(crate) async fn limits_of(&self, account: Option<&AccountId>) -> Result<Limits> {
        let Some(id) = account else { return Ok(Limits::default()) };
        let account = accounts::account(self.db(), id.as_str()).await?;
        Ok(account.ok_or_else(|| Error::NotFound("Account".into()))?.limits)
    }

    /// What an account uses.
    pub(crate) async fn usage_of(&self, account: &Account) -> Result<AccountUsage> {
        let (id, team) = (&account.id, Team::Account(account.clone()));
        let mut tx = self.db().begin_read().await?;
        let endpoints = endpoints::count(&mut tx, id).await?;
        let hosts = endpoints::hosts(&mut tx, id).await?;
        let tokens = api_tokens::count_valid(&mut tx, Some(id), self.now()).await?;
        let invited = invitations::open(&mut tx, &team).await?;
        let stored_mb = storage::total_mb(&mut tx, id).await?;
        drop(tx);
        let invited = invited.iter().filter(|invitation| invitation.expires > self.now()).count();
        let members = members::list(self.db(), &team).await?.len();
        let small = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(AccountUsage {
            endpoints: small(endpoints),
            busiest_host: AccountUsage::busiest(hosts),
            members: u32::try_from(members).unwrap_or(u32::MAX),
            invited: u32::try_from(invited).unwrap_or(u32::MAX),
            tokens: small(tokens),
            stored_mb,
            storage: StorageLevel::of(u64::from(stored_mb) * MB, account.limits.of(Limit::StoredMb)),
        })
    }
}

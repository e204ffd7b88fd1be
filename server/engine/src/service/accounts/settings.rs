//! Account settings.

use domain::{
    account::{Account, AccountInput},
    actor::Actor,
    audit::{AuditAction, Change},
    country::Country,
    error::Result,
    name,
};

use crate::{
    Engine,
    store::{
        accounts,
        ops::support::{self, Which},
    },
};

impl Engine {
    /// The longest retention this account may choose, in days.
    fn longest_retention(&self, account: &Account) -> u32 {
        account.limits.retention_days(self.context().policies.now().retention_max_days)
    }

    /// Saves changed settings. Withdrawing support access ends the account's support sessions.
    pub(super) async fn change_settings(
        &self,
        actor: &Actor,
        before: Account,
        input: &AccountInput,
    ) -> Result<Account> {
        let after = changed(&before, input, self.longest_retention(&before))?;
        let changes = changes(&before, &after);
        if changes.is_empty() {
            return Ok(before);
        }
        let withdrawn = before.settings.support_access && !after.settings.support_access;
        let sessions = if withdrawn { support::sessions(self.db(), Which::In(&after.id)).await? } else { Vec::new() };
        let mut tx = self.db().begin().await?;
        accounts::update(&mut tx, &after).await?;
        let entry = self.entry(actor, &after.id, AuditAction::AccountChanged).about(after.id.as_str(), &after.name);
        self.record(&mut tx, entry.with(changes)).await?;
        for session in sessions {
            self.end_within(&mut tx, actor, &session, "support access was withdrawn").await?;
        }
        tx.commit().await?;
        Ok(after)
    }
}

fn changed(before: &Account, input: &AccountInput, most_days: u32) -> Result<Account> {
    let name = name::checked("name", &input.name)?;
    let settings = input.settings(before.settings, most_days)?;
    Ok(Account { name, settings, ..before.clone() })
}

fn changes(before: &Account, after: &Account) -> Vec<Change> {
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    let days = |days: u32| domain::time::counted(i64::from(days), "day");
    let code = |country: Option<Country>| country.map(String::from).unwrap_or_default();
    let (old, new) = (before.settings, after.settings);
    let all = [
        Change::between("name", &before.name, &after.name),
        Change::between("developers may rotate", yes(old.developers_rotate), yes(new.developers_rotate)),
        Change::between("support access", yes(old.support_access), yes(new.support_access)),
        Change::between("country", code(old.country), code(new.country)),
        Change::between("payloads kept", days(old.bodies_days), days(new.bodies_days)),
        Change::between("deliveries kept", days(old.rows_days), days(new.rows_days)),
    ];
    all.into_iter().flatten().collect()
}

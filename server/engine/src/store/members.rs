//! Who belongs to an account, and who is invited to it.

use domain::{
    UnixMs,
    account::{Account, Role, User},
    id::{AccountId, InvitationId, UserId},
    member::{Invitation, Member},
};

use super::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    sql::Sql,
};

static LOCK: Sql = Sql::new("SELECT id FROM accounts WHERE id = $1 {serialise}");
const MEMBERS: &str = "SELECT u.id, u.name, u.email, m.role, m.created_ms, \
                       (SELECT COUNT(*) FROM second_factors f WHERE f.user_id = u.id) FROM memberships m \
                       JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 ORDER BY u.email";
const SET_ROLE: &str = "UPDATE memberships SET role = $3 WHERE account_id = $1 AND user_id = $2";
const REMOVE: &str = "DELETE FROM memberships WHERE account_id = $1 AND user_id = $2";
const OPEN: &str = "SELECT id, email, role, invited_by, expires_ms FROM invitations \
                    WHERE account_id = $1 AND accepted_ms IS NULL AND withdrawn_ms IS NULL ORDER BY email";
const SENT_SINCE: &str = "SELECT COUNT(*) FROM invitations WHERE account_id = $1 AND created_ms > $2";
const INVITE: &str = "INSERT INTO invitations (id, account_id, email, role, invited_by, link_hash, created_ms, expires_ms) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const WITHDRAW: &str = "UPDATE invitations SET withdrawn_ms = $3 \
                        WHERE account_id = $1 AND id = $2 AND accepted_ms IS NULL AND withdrawn_ms IS NULL";
const BY_LINK: &str = "SELECT i.id, i.email, i.role, i.invited_by, i.expires_ms, i.accepted_ms, i.withdrawn_ms, \
                       i.account_id, (SELECT COUNT(*) FROM users u WHERE u.email = i.email) AS known \
                       FROM invitations i WHERE i.link_hash = $1";
const ACCEPT: &str = "UPDATE invitations SET accepted_ms = $3 WHERE account_id = $1 AND id = $2 \
                      AND accepted_ms IS NULL AND withdrawn_ms IS NULL AND expires_ms > $3";

/// An invitation as its link finds it.
pub struct Linked {
    /// The invitation.
    pub invitation: Invitation,
    /// The account it leads to.
    pub account: Account,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Whether it was withdrawn, or replaced by a later one.
    pub withdrawn: bool,
    /// Whether somebody signs in with its address.
    pub known: bool,
}

#[derive(sqlx::FromRow)]
struct InvitationRow {
    id: String,
    email: String,
    role: String,
    invited_by: String,
    expires_ms: i64,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = StoreError;
    fn try_from(row: InvitationRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "invitations", column, row: row.id.clone() };
        Ok(Self {
            id: InvitationId::parse(&row.id).map_err(|_| corrupt("id"))?,
            role: Role::parse(&row.role).ok_or_else(|| corrupt("role"))?,
            email: row.email,
            invited_by: row.invited_by,
            expires: UnixMs(row.expires_ms),
        })
    }
}

type MemberRow = (String, String, String, String, i64, i64);

fn member((id, name, email, role, since, factors): MemberRow) -> StoreResult<Member> {
    let corrupt = |column| StoreError::Corrupt { table: "memberships", column, row: id.clone() };
    let role = Role::parse(&role).ok_or_else(|| corrupt("role"))?;
    let id = UserId::parse(&id).map_err(|_| corrupt("user_id"))?;
    Ok(Member { user: User { id, name, email }, role, since: UnixMs(since), second_factor: factors > 0 })
}

/// Members, by address.
pub async fn list(db: &Db, account: &AccountId) -> StoreResult<Vec<Member>> {
    let rows: Vec<MemberRow> =
        on!(&db.readers, c => sqlx::query_as(MEMBERS).bind(account.as_str()).fetch_all(c).await?);
    rows.into_iter().map(member).collect()
}

/// Members, by address, who stay as they are until the transaction ends: whoever changes any of them waits here.
pub async fn lock(tx: &mut Tx, account: &AccountId) -> StoreResult<Vec<Member>> {
    let lock = LOCK.on(tx.dialect());
    let _: Option<String> = within!(tx, c => sqlx::query_scalar(lock).bind(account.as_str()).fetch_optional(c).await?);
    let rows: Vec<MemberRow> = within!(tx, c => sqlx::query_as(MEMBERS).bind(account.as_str()).fetch_all(c).await?);
    rows.into_iter().map(member).collect()
}

/// Gives a member another role.
pub async fn set_role(tx: &mut Tx, account: &AccountId, user: &UserId, role: Role) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET_ROLE)
        .bind(account.as_str()).bind(user.as_str()).bind(role.as_str()).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes a member out.
pub async fn remove(tx: &mut Tx, account: &AccountId, user: &UserId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(REMOVE).bind(account.as_str()).bind(user.as_str()).execute(c).await?.rows_affected());
    Ok(())
}

/// Invitations that were neither accepted nor withdrawn, by address.
pub async fn invitations(db: &Db, account: &AccountId) -> StoreResult<Vec<Invitation>> {
    let rows: Vec<InvitationRow> =
        on!(&db.readers, c => sqlx::query_as(OPEN).bind(account.as_str()).fetch_all(c).await?);
    rows.into_iter().map(Invitation::try_from).collect()
}

/// The same inside a transaction.
pub async fn open_invitations(tx: &mut Tx, account: &AccountId) -> StoreResult<Vec<Invitation>> {
    let rows: Vec<InvitationRow> = within!(tx, c => sqlx::query_as(OPEN).bind(account.as_str()).fetch_all(c).await?);
    rows.into_iter().map(Invitation::try_from).collect()
}

/// How many invitations the account has sent since then.
pub async fn sent_since(tx: &mut Tx, account: &AccountId, since: UnixMs) -> StoreResult<i64> {
    Ok(within!(tx, c => sqlx::query_scalar(SENT_SINCE).bind(account.as_str()).bind(since.0).fetch_one(c).await?))
}

/// Adds an invitation.
pub async fn invite(
    tx: &mut Tx,
    account: &AccountId,
    invitation: &Invitation,
    link_hash: &str,
    now: UnixMs,
) -> StoreResult<()> {
    within!(tx, c => sqlx::query(INVITE)
        .bind(invitation.id.as_str()).bind(account.as_str()).bind(&invitation.email).bind(invitation.role.as_str())
        .bind(&invitation.invited_by).bind(link_hash).bind(now.0).bind(invitation.expires.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Withdraws an open invitation; false when it is open no longer.
pub async fn withdraw(tx: &mut Tx, account: &AccountId, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(WITHDRAW)
        .bind(account.as_str()).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Marks an invitation as accepted; false when it cannot be accepted any longer.
pub async fn accept(tx: &mut Tx, account: &AccountId, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(ACCEPT)
        .bind(account.as_str()).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// The invitation behind a link.
pub async fn by_link(db: &Db, link_hash: &str) -> StoreResult<Option<Linked>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        invitation: InvitationRow,
        account_id: String,
        accepted_ms: Option<i64>,
        withdrawn_ms: Option<i64>,
        known: i64,
    }
    let row: Option<Row> = on!(&db.readers, c => sqlx::query_as(BY_LINK).bind(link_hash).fetch_optional(c).await?);
    let Some(row) = row else { return Ok(None) };
    let Some(account) = super::accounts::account(db, &row.account_id).await? else { return Ok(None) };
    Ok(Some(Linked {
        invitation: row.invitation.try_into()?,
        account,
        accepted: row.accepted_ms.is_some(),
        withdrawn: row.withdrawn_ms.is_some(),
        known: row.known > 0,
    }))
}

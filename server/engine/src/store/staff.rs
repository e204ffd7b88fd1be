//! The provider's staff, and who is invited to it.

use domain::{
    UnixMs,
    account::{StaffRole, User},
    id::{InvitationId, UserId},
    installation::staff::{StaffInvitation, StaffMember},
};

use super::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    sql::Sql,
};

const MEMBERS: &str = "SELECT id, name, email, staff_role FROM users WHERE staff_role IS NOT NULL ORDER BY email";
// In the order of addresses, so that two who lock all of them do not wait for each other.
static LOCKED: Sql =
    Sql::new("SELECT id, name, email, staff_role FROM users WHERE staff_role IS NOT NULL ORDER BY email {serialise}");
const SET_ROLE: &str = "UPDATE users SET staff_role = $2 WHERE id = $1";
const OPEN: &str = "SELECT id, email, role, invited_by, expires_ms FROM staff_invitations \
                    WHERE accepted_ms IS NULL AND withdrawn_ms IS NULL ORDER BY email";
const INVITE: &str = "INSERT INTO staff_invitations (id, email, role, invited_by, link_hash, created_ms, expires_ms) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7)";
const WITHDRAW: &str = "UPDATE staff_invitations SET withdrawn_ms = $2 \
                        WHERE id = $1 AND accepted_ms IS NULL AND withdrawn_ms IS NULL";
const ACCEPT: &str = "UPDATE staff_invitations SET accepted_ms = $2 WHERE id = $1 \
                      AND accepted_ms IS NULL AND withdrawn_ms IS NULL AND expires_ms > $2";
const BY_LINK: &str = "SELECT i.id, i.email, i.role, i.invited_by, i.expires_ms, i.accepted_ms, i.withdrawn_ms, \
                       (SELECT COUNT(*) FROM users u WHERE u.email = i.email) AS known \
                       FROM staff_invitations i WHERE i.link_hash = $1";

/// An invitation as its link finds it.
pub struct Linked {
    /// The invitation.
    pub invitation: StaffInvitation,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Whether it was withdrawn, or replaced by a later one.
    pub withdrawn: bool,
    /// Whether somebody signs in with its address.
    pub known: bool,
}

type MemberRow = (String, String, String, String);

fn member((id, name, email, role): MemberRow) -> StoreResult<StaffMember> {
    let corrupt = |column| StoreError::Corrupt { table: "users", column, row: id.clone() };
    let role = StaffRole::parse(&role).ok_or_else(|| corrupt("staff_role"))?;
    let id = UserId::parse(&id).map_err(|_| corrupt("id"))?;
    Ok(StaffMember { user: User { id, name, email }, role })
}

/// Staff, by address.
pub async fn list(db: &Db) -> StoreResult<Vec<StaffMember>> {
    let rows: Vec<MemberRow> = on!(&db.readers, c => sqlx::query_as(MEMBERS).fetch_all(c).await?);
    rows.into_iter().map(member).collect()
}

/// Staff, by address, who stay as they are until the transaction ends: whoever changes any of them waits here.
pub async fn lock(tx: &mut Tx) -> StoreResult<Vec<StaffMember>> {
    let sql = LOCKED.on(tx.dialect());
    let rows: Vec<MemberRow> = within!(tx, c => sqlx::query_as(sql).fetch_all(c).await?);
    rows.into_iter().map(member).collect()
}

/// Makes a person one of the staff, gives them another role, or none.
pub async fn set_role(tx: &mut Tx, user: &UserId, role: Option<StaffRole>) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET_ROLE)
        .bind(user.as_str()).bind(role.map(StaffRole::as_str)).execute(c).await?.rows_affected());
    Ok(())
}

#[derive(sqlx::FromRow)]
struct InvitationRow {
    id: String,
    email: String,
    role: String,
    invited_by: String,
    expires_ms: i64,
}

impl TryFrom<InvitationRow> for StaffInvitation {
    type Error = StoreError;
    fn try_from(row: InvitationRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "staff_invitations", column, row: row.id.clone() };
        Ok(Self {
            id: InvitationId::parse(&row.id).map_err(|_| corrupt("id"))?,
            role: StaffRole::parse(&row.role).ok_or_else(|| corrupt("role"))?,
            email: row.email,
            invited_by: row.invited_by,
            expires: UnixMs(row.expires_ms),
        })
    }
}

/// Invitations that were neither accepted nor withdrawn, by address.
pub async fn invitations(db: &Db) -> StoreResult<Vec<StaffInvitation>> {
    let rows: Vec<InvitationRow> = on!(&db.readers, c => sqlx::query_as(OPEN).fetch_all(c).await?);
    rows.into_iter().map(StaffInvitation::try_from).collect()
}

/// The same inside a transaction.
pub async fn open_invitations(tx: &mut Tx) -> StoreResult<Vec<StaffInvitation>> {
    let rows: Vec<InvitationRow> = within!(tx, c => sqlx::query_as(OPEN).fetch_all(c).await?);
    rows.into_iter().map(StaffInvitation::try_from).collect()
}

/// Adds an invitation.
pub async fn invite(tx: &mut Tx, invitation: &StaffInvitation, link_hash: &str, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(INVITE)
        .bind(invitation.id.as_str()).bind(&invitation.email).bind(invitation.role.as_str())
        .bind(&invitation.invited_by).bind(link_hash).bind(now.0).bind(invitation.expires.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Withdraws an open invitation; false when it is open no longer.
pub async fn withdraw(tx: &mut Tx, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(WITHDRAW).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Marks an invitation as accepted; false when it cannot be accepted any longer.
pub async fn accept(tx: &mut Tx, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(ACCEPT).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// The invitation behind a link.
pub async fn by_link(db: &Db, link_hash: &str) -> StoreResult<Option<Linked>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        invitation: InvitationRow,
        accepted_ms: Option<i64>,
        withdrawn_ms: Option<i64>,
        known: i64,
    }
    let row: Option<Row> = on!(&db.readers, c => sqlx::query_as(BY_LINK).bind(link_hash).fetch_optional(c).await?);
    let linked = |row: Row| {
        Ok(Linked {
            invitation: row.invitation.try_into()?,
            accepted: row.accepted_ms.is_some(),
            withdrawn: row.withdrawn_ms.is_some(),
            known: row.known > 0,
        })
    };
    row.map(linked).transpose()
}

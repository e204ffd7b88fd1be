//! Invitations to an account and to staff. Each kind has a table of its own, with the same columns except for the account;
//! the type of the role selects the table.
//!
//! The scope of an invitation is the id of an account, or [`STAFF`].

use domain::{
    UnixMs,
    account::{Role, StaffRole},
    id::InvitationId,
    member::Invitation,
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

/// The scope of staff.
pub const STAFF: &str = "";

/// The statements for one of the tables.
pub struct Statements {
    table: &'static str,
    open: &'static str,
    sent_since: &'static str,
    add: &'static str,
    withdraw: &'static str,
    accept: &'static str,
    by_link: &'static str,
}

/// `$1` is the scope, except in `add`, which binds it last, if there is a column for it.
macro_rules! statements {
    ($table:literal, $scope:literal, $column:literal, $value:literal) => {
        Statements {
            table: $table,
            open: concat!(
                "SELECT id, email, role, invited_by, expires_ms FROM ",
                $table,
                " WHERE ",
                $scope,
                " = $1 AND accepted_ms IS NULL AND withdrawn_ms IS NULL ORDER BY email"
            ),
            sent_since: concat!("SELECT COUNT(*) FROM ", $table, " WHERE ", $scope, " = $1 AND created_ms > $2"),
            add: concat!(
                "INSERT INTO ",
                $table,
                " (id, email, role, invited_by, link_hash, created_ms, expires_ms",
                $column,
                ") VALUES ($1, $2, $3, $4, $5, $6, $7",
                $value,
                ")"
            ),
            withdraw: concat!(
                "UPDATE ",
                $table,
                " SET withdrawn_ms = $3 WHERE ",
                $scope,
                " = $1 AND id = $2 AND accepted_ms IS NULL AND withdrawn_ms IS NULL"
            ),
            accept: concat!(
                "UPDATE ",
                $table,
                " SET accepted_ms = $3 WHERE ",
                $scope,
                " = $1 AND id = $2 AND accepted_ms IS NULL AND withdrawn_ms IS NULL AND expires_ms > $3"
            ),
            by_link: concat!(
                "SELECT i.id, i.email, i.role, i.invited_by, i.expires_ms, i.accepted_ms, i.withdrawn_ms, ",
                $scope,
                " AS scope, (SELECT COUNT(*) FROM users u WHERE u.email = i.email) AS known FROM ",
                $table,
                " i WHERE i.link_hash = $1"
            ),
        }
    };
}

/// A role that an invitation grants.
pub trait InvitationRole: Copy + Send + Sync + 'static {
    /// The statements for its table.
    const STATEMENTS: Statements;
    /// Parses a stored role.
    fn named(name: &str) -> Option<Self>;
    /// Its stored name.
    fn name(self) -> &'static str;
}

impl InvitationRole for Role {
    const STATEMENTS: Statements = statements!("invitations", "account_id", ", account_id", ", $8");
    fn named(name: &str) -> Option<Self> {
        Self::parse(name)
    }
    fn name(self) -> &'static str {
        self.as_str()
    }
}

impl InvitationRole for StaffRole {
    const STATEMENTS: Statements = statements!("staff_invitations", "''", "", "");
    fn named(name: &str) -> Option<Self> {
        Self::parse(name)
    }
    fn name(self) -> &'static str {
        self.as_str()
    }
}

/// An invitation found by its link.
pub struct Linked<R> {
    /// The invitation.
    pub invitation: Invitation<R>,
    /// Its scope.
    pub scope: String,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Whether it was withdrawn, or replaced by a later one.
    pub withdrawn: bool,
    /// Whether a user with its email address exists.
    pub known: bool,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: String,
    email: String,
    role: String,
    invited_by: String,
    expires_ms: i64,
}

fn invitation<R: InvitationRole>(row: Row) -> StoreResult<Invitation<R>> {
    let corrupt = |column| StoreError::Corrupt { table: R::STATEMENTS.table, column, row: row.id.clone() };
    Ok(Invitation {
        id: InvitationId::parse(&row.id).map_err(|_| corrupt("id"))?,
        role: R::named(&row.role).ok_or_else(|| corrupt("role"))?,
        email: row.email,
        invited_by: row.invited_by,
        expires: UnixMs(row.expires_ms),
    })
}

/// Lists invitations that are neither accepted nor withdrawn, ordered by email.
pub async fn list<R: InvitationRole>(db: &Db, scope: &str) -> StoreResult<Vec<Invitation<R>>> {
    let sql = R::STATEMENTS.open;
    let rows: Vec<Row> = on!(&db.readers, c => sqlx::query_as(sql).bind(scope).fetch_all(c).await?);
    rows.into_iter().map(invitation).collect()
}

/// The same inside a transaction.
pub async fn open<R: InvitationRole>(tx: &mut Tx, scope: &str) -> StoreResult<Vec<Invitation<R>>> {
    let sql = R::STATEMENTS.open;
    let rows: Vec<Row> = within!(tx, c => sqlx::query_as(sql).bind(scope).fetch_all(c).await?);
    rows.into_iter().map(invitation).collect()
}

/// Counts invitations sent since then.
pub async fn sent_since<R: InvitationRole>(tx: &mut Tx, scope: &str, since: UnixMs) -> StoreResult<i64> {
    let sql = R::STATEMENTS.sent_since;
    Ok(within!(tx, c => sqlx::query_scalar(sql).bind(scope).bind(since.0).fetch_one(c).await?))
}

/// Inserts an invitation.
pub async fn add<R: InvitationRole>(
    tx: &mut Tx,
    scope: &str,
    invitation: &Invitation<R>,
    link_hash: &str,
    now: UnixMs,
) -> StoreResult<()> {
    let sql = R::STATEMENTS.add;
    within!(tx, c => {
        let query = sqlx::query(sql)
            .bind(invitation.id.as_str()).bind(&invitation.email).bind(invitation.role.name())
            .bind(&invitation.invited_by).bind(link_hash).bind(now.0).bind(invitation.expires.0);
        let query = if scope == STAFF { query } else { query.bind(scope) };
        query.execute(c).await?.rows_affected()
    });
    Ok(())
}

/// Withdraws an open invitation. False if it is no longer open.
pub async fn withdraw<R: InvitationRole>(
    tx: &mut Tx,
    scope: &str,
    id: &InvitationId,
    now: UnixMs,
) -> StoreResult<bool> {
    close(tx, R::STATEMENTS.withdraw, scope, id, now).await
}

/// Accepts an invitation. False if it can no longer be accepted.
pub async fn accept<R: InvitationRole>(tx: &mut Tx, scope: &str, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    close(tx, R::STATEMENTS.accept, scope, id, now).await
}

async fn close(tx: &mut Tx, sql: &'static str, scope: &str, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(sql)
        .bind(scope).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// The invitation with this link.
pub async fn by_link<R: InvitationRole>(db: &Db, link_hash: &str) -> StoreResult<Option<Linked<R>>> {
    #[derive(sqlx_macros::FromRow)]
    struct Found {
        #[sqlx(flatten)]
        invitation: Row,
        scope: String,
        accepted_ms: Option<i64>,
        withdrawn_ms: Option<i64>,
        known: i64,
    }
    let sql = R::STATEMENTS.by_link;
    let row: Option<Found> = on!(&db.readers, c => sqlx::query_as(sql).bind(link_hash).fetch_optional(c).await?);
    let linked = |row: Found| {
        Ok(Linked {
            invitation: invitation(row.invitation)?,
            scope: row.scope,
            accepted: row.accepted_ms.is_some(),
            withdrawn: row.withdrawn_ms.is_some(),
            known: row.known > 0,
        })
    };
    row.map(linked).transpose()
}

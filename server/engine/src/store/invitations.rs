//! Invitations to an account and to the provider's staff. Each kind has a table of its own, with the same columns but for
//! the account; the role that an invitation gives says which of them it stands in.
//!
//! A place is what somebody is invited to: the id of an account, or [`STAFF`].

use domain::{
    UnixMs,
    account::{Role, StaffRole},
    id::InvitationId,
    member::Invitation,
};

use super::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

/// The place of the provider's staff.
pub const STAFF: &str = "";

/// The statements on one of the tables.
pub struct Statements {
    table: &'static str,
    open: &'static str,
    sent_since: &'static str,
    add: &'static str,
    withdraw: &'static str,
    accept: &'static str,
    by_link: &'static str,
}

/// `$1` is the place everywhere but in `add`, which binds it last, if there is a column for it.
macro_rules! statements {
    ($table:literal, $place:literal, $column:literal, $value:literal) => {
        Statements {
            table: $table,
            open: concat!(
                "SELECT id, email, role, invited_by, expires_ms FROM ",
                $table,
                " WHERE ",
                $place,
                " = $1 AND accepted_ms IS NULL AND withdrawn_ms IS NULL ORDER BY email"
            ),
            sent_since: concat!("SELECT COUNT(*) FROM ", $table, " WHERE ", $place, " = $1 AND created_ms > $2"),
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
                $place,
                " = $1 AND id = $2 AND accepted_ms IS NULL AND withdrawn_ms IS NULL"
            ),
            accept: concat!(
                "UPDATE ",
                $table,
                " SET accepted_ms = $3 WHERE ",
                $place,
                " = $1 AND id = $2 AND accepted_ms IS NULL AND withdrawn_ms IS NULL AND expires_ms > $3"
            ),
            by_link: concat!(
                "SELECT i.id, i.email, i.role, i.invited_by, i.expires_ms, i.accepted_ms, i.withdrawn_ms, ",
                $place,
                " AS place, (SELECT COUNT(*) FROM users u WHERE u.email = i.email) AS known FROM ",
                $table,
                " i WHERE i.link_hash = $1"
            ),
        }
    };
}

/// A role that invitations give.
pub trait InvitationRole: Copy + Send + Sync + 'static {
    /// The statements on its invitations.
    const STATEMENTS: Statements;
    /// The role of that name.
    fn named(name: &str) -> Option<Self>;
    /// Its name in the database.
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

/// An invitation as its link finds it.
pub struct Linked<R> {
    /// The invitation.
    pub invitation: Invitation<R>,
    /// Where it leads.
    pub place: String,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Whether it was withdrawn, or replaced by a later one.
    pub withdrawn: bool,
    /// Whether somebody signs in with its address.
    pub known: bool,
}

#[derive(sqlx::FromRow)]
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

/// Invitations that were neither accepted nor withdrawn, by address.
pub async fn list<R: InvitationRole>(db: &Db, place: &str) -> StoreResult<Vec<Invitation<R>>> {
    let sql = R::STATEMENTS.open;
    let rows: Vec<Row> = on!(&db.readers, c => sqlx::query_as(sql).bind(place).fetch_all(c).await?);
    rows.into_iter().map(invitation).collect()
}

/// The same inside a transaction.
pub async fn open<R: InvitationRole>(tx: &mut Tx, place: &str) -> StoreResult<Vec<Invitation<R>>> {
    let sql = R::STATEMENTS.open;
    let rows: Vec<Row> = within!(tx, c => sqlx::query_as(sql).bind(place).fetch_all(c).await?);
    rows.into_iter().map(invitation).collect()
}

/// How many invitations have been sent since then.
pub async fn sent_since<R: InvitationRole>(tx: &mut Tx, place: &str, since: UnixMs) -> StoreResult<i64> {
    let sql = R::STATEMENTS.sent_since;
    Ok(within!(tx, c => sqlx::query_scalar(sql).bind(place).bind(since.0).fetch_one(c).await?))
}

/// Adds an invitation.
pub async fn add<R: InvitationRole>(
    tx: &mut Tx,
    place: &str,
    invitation: &Invitation<R>,
    link_hash: &str,
    now: UnixMs,
) -> StoreResult<()> {
    let sql = R::STATEMENTS.add;
    within!(tx, c => {
        let query = sqlx::query(sql)
            .bind(invitation.id.as_str()).bind(&invitation.email).bind(invitation.role.name())
            .bind(&invitation.invited_by).bind(link_hash).bind(now.0).bind(invitation.expires.0);
        let query = if place == STAFF { query } else { query.bind(place) };
        query.execute(c).await?.rows_affected()
    });
    Ok(())
}

/// Withdraws an open invitation; false when it is open no longer.
pub async fn withdraw<R: InvitationRole>(
    tx: &mut Tx,
    place: &str,
    id: &InvitationId,
    now: UnixMs,
) -> StoreResult<bool> {
    mark(tx, R::STATEMENTS.withdraw, place, id, now).await
}

/// Marks an invitation as accepted; false when it cannot be accepted any longer.
pub async fn accept<R: InvitationRole>(tx: &mut Tx, place: &str, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    mark(tx, R::STATEMENTS.accept, place, id, now).await
}

async fn mark(tx: &mut Tx, sql: &'static str, place: &str, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(sql)
        .bind(place).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// The invitation behind a link.
pub async fn by_link<R: InvitationRole>(db: &Db, link_hash: &str) -> StoreResult<Option<Linked<R>>> {
    #[derive(sqlx::FromRow)]
    struct Found {
        #[sqlx(flatten)]
        invitation: Row,
        place: String,
        accepted_ms: Option<i64>,
        withdrawn_ms: Option<i64>,
        known: i64,
    }
    let sql = R::STATEMENTS.by_link;
    let row: Option<Found> = on!(&db.readers, c => sqlx::query_as(sql).bind(link_hash).fetch_optional(c).await?);
    let linked = |row: Found| {
        Ok(Linked {
            invitation: invitation(row.invitation)?,
            place: row.place,
            accepted: row.accepted_ms.is_some(),
            withdrawn: row.withdrawn_ms.is_some(),
            known: row.known > 0,
        })
    };
    row.map(linked).transpose()
}

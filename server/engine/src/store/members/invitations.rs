//! Invitations. Those to an account and those to the staff have a table each, with the same columns except for the account.

use domain::{
    UnixMs,
    id::{AccountId, InvitationId},
    member::{Invitation, MailStatus, Team, TeamKind, TeamRole},
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

/// The statements for one of the tables.
struct Statements {
    table: &'static str,
    open: &'static str,
    sent_since: &'static str,
    add: &'static str,
    withdraw: &'static str,
    accept: &'static str,
    by_link: &'static str,
}

/// `$1` is the account, except in `add`, which binds it last, if there is a column for it.
macro_rules! statements {
    ($table:literal, $account:literal, $column:literal, $value:literal) => {
        Statements {
            table: $table,
            open: concat!(
                "SELECT i.id, i.email, i.role, i.invited_by, i.expires_ms, m.state AS mail_state, \
                 m.failure AS mail_failure FROM ",
                $table,
                " i LEFT JOIN emails m ON m.about = i.id WHERE ",
                $account,
                " = $1 AND i.accepted_ms IS NULL AND i.withdrawn_ms IS NULL ORDER BY i.email"
            ),
            sent_since: concat!(
                "SELECT COUNT(*) AS sent, MIN(created_ms) AS first_ms FROM ",
                $table,
                " WHERE ",
                $account,
                " = $1 AND created_ms > $2 AND ($3 = '' OR email = $3)"
            ),
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
                $account,
                " = $1 AND id = $2 AND accepted_ms IS NULL AND withdrawn_ms IS NULL"
            ),
            accept: concat!(
                "UPDATE ",
                $table,
                " SET accepted_ms = $3 WHERE ",
                $account,
                " = $1 AND id = $2 AND accepted_ms IS NULL AND withdrawn_ms IS NULL AND expires_ms > $3"
            ),
            by_link: concat!(
                "SELECT i.id, i.email, i.role, i.invited_by, i.expires_ms, i.accepted_ms, i.withdrawn_ms, \
                 CAST(NULL AS TEXT) AS mail_state, CAST(NULL AS TEXT) AS mail_failure, ",
                $account,
                " AS account, (SELECT COUNT(*) FROM users u WHERE u.email = i.email) AS known FROM ",
                $table,
                " i WHERE i.link_hash = $1"
            ),
        }
    };
}

const ACCOUNT: Statements = statements!("invitations", "account_id", ", account_id", ", $8");
const STAFF: Statements = statements!("staff_invitations", "''", "", "");

const fn statements(kind: TeamKind) -> &'static Statements {
    match kind {
        TeamKind::Account => &ACCOUNT,
        TeamKind::Staff => &STAFF,
    }
}

fn account_id(stored: String) -> StoreResult<Option<AccountId>> {
    let corrupt = |_| StoreError::Corrupt { table: ACCOUNT.table, column: "account_id", row: stored.clone() };
    (!stored.is_empty()).then(|| AccountId::parse(&stored).map_err(corrupt)).transpose()
}

/// What `$1` is.
fn account(team: &Team) -> &str {
    team.account().map_or("", |id| id.as_str())
}

/// An invitation found by its link.
pub(crate) struct Linked {
    /// The invitation.
    pub(crate) invitation: Invitation,
    /// The account; none for the staff.
    pub(crate) account: Option<AccountId>,
    /// Whether it was accepted.
    pub(crate) accepted: bool,
    /// Whether it was withdrawn, or replaced by a later one.
    pub(crate) withdrawn: bool,
    /// Whether a user with its email address exists.
    pub(crate) known: bool,
}

#[derive(sqlx_macros::FromRow)]
struct Row {
    id: String,
    email: String,
    role: String,
    invited_by: String,
    expires_ms: i64,
    mail_state: Option<String>,
    mail_failure: Option<String>,
}

fn mail_status(state: &str, failure: Option<String>) -> MailStatus {
    match state {
        "sent" => MailStatus::Sent,
        "failed" => MailStatus::Failed(failure.unwrap_or_default()),
        _ => MailStatus::Waiting(failure),
    }
}

fn invitation(kind: TeamKind, row: Row) -> StoreResult<Invitation> {
    let corrupt = |column| StoreError::Corrupt { table: statements(kind).table, column, row: row.id.clone() };
    Ok(Invitation {
        id: InvitationId::parse(&row.id).map_err(|_| corrupt("id"))?,
        role: TeamRole::parse(kind, &row.role).ok_or_else(|| corrupt("role"))?,
        email: row.email,
        invited_by: row.invited_by,
        expires: UnixMs(row.expires_ms),
        mail: row.mail_state.map(|state| mail_status(&state, row.mail_failure)),
        link: None,
    })
}

/// Lists invitations that are neither accepted nor withdrawn, ordered by email.
pub(crate) async fn list(db: &Db, team: &Team) -> StoreResult<Vec<Invitation>> {
    let sql = statements(team.kind()).open;
    let rows: Vec<Row> = on!(&db.readers, c => sqlx::query_as(sql).bind(account(team)).fetch_all(c).await?);
    rows.into_iter().map(|row| invitation(team.kind(), row)).collect()
}

/// The same inside a transaction.
pub(crate) async fn open(tx: &mut Tx, team: &Team) -> StoreResult<Vec<Invitation>> {
    let sql = statements(team.kind()).open;
    let rows: Vec<Row> = within!(tx, c => sqlx::query_as(sql).bind(account(team)).fetch_all(c).await?);
    rows.into_iter().map(|row| invitation(team.kind(), row)).collect()
}

/// Invitations that a team has sent.
#[derive(Debug, Clone, Copy, sqlx_macros::FromRow)]
pub(crate) struct Sent {
    /// How many.
    pub(crate) sent: i64,
    /// When the first one was.
    pub(crate) first_ms: Option<i64>,
}

/// The invitations sent since then: all of them, or those to one address.
pub(crate) async fn sent_since(tx: &mut Tx, team: &Team, email: Option<&str>, since: UnixMs) -> StoreResult<Sent> {
    let (sql, email) = (statements(team.kind()).sent_since, email.unwrap_or_default());
    Ok(within!(tx, c => sqlx::query_as(sql).bind(account(team)).bind(since.0).bind(email).fetch_one(c).await?))
}

/// Inserts an invitation.
pub(crate) async fn add(
    tx: &mut Tx,
    team: &Team,
    invitation: &Invitation,
    link_hash: &str,
    now: UnixMs,
) -> StoreResult<()> {
    let sql = statements(team.kind()).add;
    within!(tx, c => {
        let query = sqlx::query(sql)
            .bind(invitation.id.as_str()).bind(&invitation.email).bind(invitation.role.as_str())
            .bind(&invitation.invited_by).bind(link_hash).bind(now.0).bind(invitation.expires.0);
        let query = if let Some(account) = team.account() { query.bind(account.as_str()) } else { query };
        query.execute(c).await?.rows_affected()
    });
    Ok(())
}

/// Withdraws an open invitation. False if it is no longer open.
pub(crate) async fn withdraw(tx: &mut Tx, team: &Team, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    close(tx, statements(team.kind()).withdraw, team, id, now).await
}

/// Accepts an invitation. False if it can no longer be accepted.
pub(crate) async fn accept(tx: &mut Tx, team: &Team, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    close(tx, statements(team.kind()).accept, team, id, now).await
}

async fn close(tx: &mut Tx, sql: &'static str, team: &Team, id: &InvitationId, now: UnixMs) -> StoreResult<bool> {
    let rows = within!(tx, c => sqlx::query(sql)
        .bind(account(team)).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// The invitation of this kind with this link.
pub(crate) async fn by_link(db: &Db, kind: TeamKind, link_hash: &str) -> StoreResult<Option<Linked>> {
    #[derive(sqlx_macros::FromRow)]
    struct Found {
        #[sqlx(flatten)]
        invitation: Row,
        account: String,
        accepted_ms: Option<i64>,
        withdrawn_ms: Option<i64>,
        known: i64,
    }
    let sql = statements(kind).by_link;
    let row: Option<Found> = on!(&db.readers, c => sqlx::query_as(sql).bind(link_hash).fetch_optional(c).await?);
    let linked = |row: Found| {
        Ok(Linked {
            invitation: invitation(kind, row.invitation)?,
            account: account_id(row.account)?,
            accepted: row.accepted_ms.is_some(),
            withdrawn: row.withdrawn_ms.is_some(),
            known: row.known > 0,
        })
    };
    row.map(linked).transpose()
}

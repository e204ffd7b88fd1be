//! What differs between the members of an account and the staff: permission, audit actions, words.

use domain::{
    actor::Permission,
    audit::AuditAction,
    member::{Team, TeamKind},
};

use crate::{
    Engine,
    store::audit::{Entry, OPS_CHAIN},
};

/// The rules of one kind of team.
pub(super) struct Rules {
    /// What managing it needs.
    pub(super) permission: Permission,
    /// The role that manages it.
    pub(super) manager: &'static str,
    /// What to do before the last manager goes.
    pub(super) promote: &'static str,
    /// What a user in it is called.
    pub(super) member: &'static str,
    /// What to do after following a used link.
    pub(super) after_use: &'static str,
    /// Most invitations per day, if limited.
    pub(super) invitations_per_day: Option<i64>,
    /// An invitation was sent.
    pub(super) invited: AuditAction,
    /// An invitation was withdrawn.
    pub(super) withdrawn: AuditAction,
    /// An invitation was accepted.
    pub(super) joined: AuditAction,
    /// A member has another role.
    pub(super) changed: AuditAction,
    /// A member was removed.
    pub(super) removed: AuditAction,
}

const ACCOUNT: Rules = Rules {
    permission: Permission::ManageMembers,
    manager: "admin",
    promote: "Make another member an admin first.",
    member: "a member",
    after_use: "Sign in to open the account.",
    // Enough for a team, too few for spam.
    invitations_per_day: Some(100),
    invited: AuditAction::MemberInvited,
    withdrawn: AuditAction::InviteWithdrawn,
    joined: AuditAction::MemberJoined,
    changed: AuditAction::MemberChanged,
    removed: AuditAction::MemberRemoved,
};

const STAFF: Rules = Rules {
    permission: Permission::Ops,
    manager: "operator",
    promote: "Make another staff member an operator first.",
    member: "staff",
    after_use: "Sign in to continue.",
    invitations_per_day: None,
    invited: AuditAction::StaffInvited,
    withdrawn: AuditAction::StaffInviteWithdrawn,
    joined: AuditAction::StaffAdded,
    changed: AuditAction::StaffChanged,
    removed: AuditAction::StaffRemoved,
};

/// The rules of this kind of team.
pub(super) const fn rules(kind: TeamKind) -> &'static Rules {
    match kind {
        TeamKind::Account => &ACCOUNT,
        TeamKind::Staff => &STAFF,
    }
}

impl Engine {
    /// A record in the team's audit log: the account's own, or that of ops.
    pub(super) fn entry_of(&self, team: &Team, action: AuditAction) -> Entry {
        let chain = team.account().map_or(OPS_CHAIN, |id| id.as_str());
        Entry::new(self.next_id(), self.now(), chain, action)
    }
}

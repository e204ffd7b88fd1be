//! Policies that operators set, which override environment variables.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    actor::{Actor, Permission},
    audit::{AuditAction, Change},
    error::Result,
    ops::{
        Policies,
        policy::{Policy, PolicyName},
    },
};

use crate::{
    Engine,
    delivery::cluster::ClusterMessage,
    store::{
        audit::{self, Entry},
        ops::policies,
    },
};

#[async_trait]
impl Policies for Engine {
    async fn policies(&self, actor: &Actor) -> Result<Vec<Policy>> {
        actor.require(Permission::Ops)?;
        let set = policies::all(self.db()).await?;
        let policy = |name: PolicyName| {
            let given = self.context().policies.env.text(name);
            let set = set.iter().find(|stored| stored.name == name.as_str());
            let value = set.map_or_else(|| given.clone(), |stored| stored.value.clone());
            Policy { name, value, given, set: set.map(|stored| (UnixMs(stored.set_ms), stored.set_by.clone())) }
        };
        Ok(PolicyName::ALL.map(policy).to_vec())
    }

    async fn set_policy(&self, actor: &Actor, name: PolicyName, value: Option<&str>) -> Result<Policy> {
        let value = value.map(|value| name.check(value)).transpose()?;
        let before = self.policy(actor, name).await?;
        let mut tx = self.db().begin().await?;
        match &value {
            Some(value) => policies::set(&mut tx, name.as_str(), value, self.now(), &actor.name()).await?,
            None => policies::unset(&mut tx, name.as_str()).await?,
        }
        let after = value.clone().unwrap_or_else(|| before.given.clone());
        let source = |set: bool| if set { "an operator" } else { "the environment" };
        let changes = [
            Change::between(name.title(), before.value, after),
            Change::between("decided by", source(before.set.is_some()), source(value.is_some())),
        ];
        let entry = Entry::new(self.next_id(), self.now(), audit::OPS_CHAIN, AuditAction::PolicyChanged).by(actor);
        self.record(&mut tx, entry.about(name.as_str(), name.title()).with(changes.into_iter().flatten())).await?;
        let sender = Arc::clone(self.sender());
        let applied = async move {
            let read = sender.read_policies().await;
            sender.broadcast(ClusterMessage::Policies).await;
            read
        };
        tx.commit_then(applied).await??;
        self.policy(actor, name).await
    }

    fn contact(&self) -> String {
        self.context().policies.now().contact.clone()
    }
}

impl Engine {
    async fn policy(&self, actor: &Actor, name: PolicyName) -> Result<Policy> {
        let all = self.policies(actor).await?;
        all.into_iter().find(|policy| policy.name == name).ok_or(Error::Internal)
    }
}

//! Reports who may have lost access, so that what is open for them can end at once.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::{Engine, delivery::cluster::ClusterMessage, digest::hash};

impl Engine {
    /// Reports users by id and sessions by handle that may have lost access; an empty text stands for all of them.
    pub fn access_changes(&self) -> broadcast::Receiver<String> {
        self.context().access_changes.subscribe()
    }

    /// The handle of the session with this id.
    #[must_use]
    pub fn session_handle(id: &str) -> String {
        hash(id)
    }

    /// After the commit: reports this user, or the session with this handle, here and on other nodes.
    pub(super) fn access_changed(&self, who: &str) -> impl Future<Output = ()> + Send + use<> {
        let (sender, who) = (Arc::clone(self.sender()), who.to_owned());
        async move {
            sender.context.access_changed(who.clone());
            sender.broadcast(ClusterMessage::Access(who)).await;
        }
    }
}

//! The process's limit of open descriptors: each connection needs one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Fewer than this are soon used up: a thousand attempts at once, as many idle connections, and those of the API.
const ENOUGH: u64 = 8_192;
/// More than this are never needed.
const PLENTY: u64 = 65_536;

/// Raises the soft limit as far as the hard limit allows, and warns if that is not far. Without it, attempts fail under load.
/// Returns the limit.
pub(super) fn raise_limit() -> u64 {
    let before = getrlimit(Resource::Nofile);
    let limit = raised(before);
    if limit != before
        && let Err(error) = setrlimit(Resource::Nofile, limit)
    {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    let current = getrlimit(Resource::Nofile).current.unwrap_or(PLENTY);
    if current < ENOUGH {
        tracing::warn!(
            current,
            "few files may be open at once, so connections may fail under load: allow at least {ENOUGH} (LimitNOFILE in systemd)"
        );
    }
    current
}

/// The limit to set: none is unlimited.
fn raised(Rlimit { current, maximum }: Rlimit) -> Rlimit {
    let wanted = maximum.map_or(PLENTY, |maximum| maximum.min(PLENTY));
    Rlimit { current: current.map(|current| current.max(wanted)), maximum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_as_far_as_the_hard_limit_allows_and_never_lowered() {
        let raised = |current, maximum| raised(Rlimit { current, maximum }).current;
        assert_eq!(raised(Some(1_024), Some(4_096)), Some(4_096));
        assert_eq!(raised(Some(1_024), Some(1_000_000)), Some(PLENTY));
        assert_eq!(raised(Some(1_024), None), Some(PLENTY));
        assert_eq!(raised(Some(1_000_000), Some(1_000_000)), Some(1_000_000));
        assert_eq!(raised(None, None), None);
    }
}

//! In which order waiting events are written, so that an account with much to write delays the others by a commit or two.

use std::collections::HashMap;

/// Bytes of payloads of an account that are written before those of the next account.
const ROUND_BYTES: usize = 64 * 1_024;
/// What an event counts at least, in bytes: its rows, and those of its deliveries, take time, too.
const EVENT_MIN_BYTES: usize = 2 * 1_024;

/// What waits, of which account, and how large it is in bytes.
pub(super) trait Waits {
    fn account(&self) -> &str;
    fn bytes(&self) -> usize;
}

/// Orders by rounds, in each of which every account writes about [`ROUND_BYTES`]. The order of an account's own events remains.
pub(super) fn order<W: Waits>(waiting: &mut Vec<W>) {
    let rounds = rounds(waiting);
    if rounds.is_sorted() {
        return;
    }
    let mut ordered: Vec<(usize, W)> = rounds.into_iter().zip(waiting.drain(..)).collect();
    // Stable, so that within a round the first to come is the first to be written.
    ordered.sort_by_key(|(round, _)| *round);
    waiting.extend(ordered.into_iter().map(|(_, waits)| waits));
}

/// The round of each.
fn rounds<W: Waits>(waiting: &[W]) -> Vec<usize> {
    let mut before = HashMap::<&str, usize>::new();
    let mut rounds = Vec::with_capacity(waiting.len());
    for waits in waiting {
        let bytes = before.entry(waits.account()).or_default();
        rounds.push(*bytes / ROUND_BYTES);
        *bytes += waits.bytes().max(EVENT_MIN_BYTES);
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Waits for (&'static str, usize) {
        fn account(&self) -> &str {
            self.0
        }

        fn bytes(&self) -> usize {
            self.1
        }
    }

    #[test]
    fn an_account_with_large_events_waits_for_others_and_keeps_its_own_order() {
        let mut waiting = vec![("a", ROUND_BYTES), ("a", ROUND_BYTES + 1), ("a", 3), ("b", 1), ("c", 4), ("b", 2)];
        order(&mut waiting);
        let expected = [("a", ROUND_BYTES), ("b", 1), ("c", 4), ("b", 2), ("a", ROUND_BYTES + 1), ("a", 3)];
        assert_eq!(waiting, expected);
    }

    #[test]
    fn an_account_with_many_small_events_waits_for_others() {
        let per_round = ROUND_BYTES / EVENT_MIN_BYTES;
        let mut waiting: Vec<_> = (0..3 * per_round).map(|n| ("a", n)).collect();
        waiting.push(("b", 0));
        order(&mut waiting);
        assert_eq!(waiting.iter().position(|waits| waits.0 == "b"), Some(per_round));
        let own: Vec<usize> = waiting.iter().filter(|waits| waits.0 == "a").map(|waits| waits.1).collect();
        assert!(own.is_sorted());
    }

    #[test]
    fn what_few_write_keeps_its_order() {
        let first = vec![("a", 1), ("b", 2), ("a", 3), ("c", 4)];
        let mut waiting = first.clone();
        order(&mut waiting);
        assert_eq!(waiting, first);
    }
}

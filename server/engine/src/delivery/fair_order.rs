//! In which order waiting events are written, so that an account with much to write delays nobody else by more than one commit.

use std::collections::HashMap;

/// Bytes of payloads of an account that are written before those of the next account, while there is too much for one commit.
const ROUND_BYTES: usize = 64 * 1_024;

/// What waits, of which account, and how large it is in bytes.
pub(super) trait Waits {
    fn account(&self) -> &str;
    fn bytes(&self) -> usize;
}

/// Orders by rounds, in each of which every account writes about [`ROUND_BYTES`], if more than `commit_bytes` wait. The order
/// of an account's own events remains.
pub(super) fn order<W: Waits>(waiting: &mut Vec<W>, commit_bytes: usize) {
    if waiting.iter().map(W::bytes).sum::<usize>() <= commit_bytes {
        return;
    }
    let mut before = HashMap::<String, usize>::new();
    let mut rounds: Vec<(usize, W)> = Vec::with_capacity(waiting.len());
    for waits in waiting.drain(..) {
        let bytes = before.entry(waits.account().to_owned()).or_default();
        let round = *bytes / ROUND_BYTES;
        *bytes += waits.bytes();
        rounds.push((round, waits));
    }
    // Stable, so that within a round the first to come is the first to be written.
    rounds.sort_by_key(|(round, _)| *round);
    waiting.extend(rounds.into_iter().map(|(_, waits)| waits));
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
    fn what_fits_into_one_commit_keeps_its_order() {
        let mut waiting = vec![("a", ROUND_BYTES), ("a", ROUND_BYTES), ("b", 1)];
        order(&mut waiting, 2 * ROUND_BYTES + 1);
        assert_eq!(waiting, [("a", ROUND_BYTES), ("a", ROUND_BYTES), ("b", 1)]);
    }

    #[test]
    fn an_account_with_much_to_write_waits_for_others_and_keeps_its_own_order() {
        let mut waiting = vec![("a", ROUND_BYTES), ("a", ROUND_BYTES + 1), ("a", 3), ("b", 1), ("c", 4), ("b", 2)];
        order(&mut waiting, ROUND_BYTES);
        let expected = [("a", ROUND_BYTES), ("b", 1), ("c", 4), ("b", 2), ("a", ROUND_BYTES + 1), ("a", 3)];
        assert_eq!(waiting, expected);
    }
}

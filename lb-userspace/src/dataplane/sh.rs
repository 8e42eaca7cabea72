//! Tables of `sh`, bucket for bucket those of the kernel's ip_vs_sh
//! (net/netfilter/ipvs/ip_vs_sh.c). PURE.

use lb_common::sh::SLOTS;

/// The table for servers of these weights, in the canonical order (descending by address): for
/// each bucket the index of its server. Servers without weight get none.
#[must_use]
pub fn fill(weights: &[u16]) -> Vec<Option<usize>> {
    // Each has as many buckets in a row as its weight says, and then it is the next one's turn.
    let turns = weights.iter().enumerate();
    let round = turns.flat_map(|(index, &weight)| std::iter::repeat_n(index, weight.into()));
    let mut rounds = round.cycle();
    (0..SLOTS).map(|_| rounds.next()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the kernel steps: a pointer into the list and a count of buckets.
    fn kernel(weights: &[u16]) -> Vec<Option<usize>> {
        let (mut pointer, mut count) = (0, 0);
        let mut table = Vec::new();
        while table.len() < SLOTS as usize {
            table.push(Some(pointer));
            count += 1;
            if count >= weights[pointer] {
                pointer = (pointer + 1) % weights.len();
                count = 0;
            }
        }
        table
    }

    proptest! {
        #[test]
        fn the_table_is_the_kernels(weights in prop::collection::vec(1u16..400, 1..300)) {
            prop_assert_eq!(fill(&weights), kernel(&weights));
        }
    }

    #[test]
    fn each_server_has_its_weight_in_buckets_and_the_last_round_breaks_off() {
        let table = fill(&[3, 0, 1]);
        assert_eq!(table.len(), 256);
        let first: Vec<_> = table[..6].iter().copied().flatten().collect();
        assert_eq!(first, [0, 0, 0, 2, 0, 0]);
        assert!(table.iter().all(Option::is_some));
        assert_eq!(table.iter().filter(|slot| **slot == Some(2)).count(), 64);
    }

    #[test]
    fn a_weight_beyond_the_table_takes_all_of_it() {
        assert!(fill(&[300, 1]).iter().all(|slot| *slot == Some(0)));
    }

    #[test]
    fn without_weights_the_table_is_empty() {
        for weights in [&[][..], &[0, 0]] {
            assert!(fill(weights).iter().all(Option::is_none));
        }
    }
}

use proptest::prelude::*;

use super::*;

/// As the kernel steps: a pointer into the list and a threshold that falls.
fn kernel(weights: &[u16], count: usize) -> Vec<usize> {
    let step = weights.iter().copied().fold(0, gcd);
    let largest = weights.iter().copied().max().unwrap();
    let (mut pointer, mut threshold) = (weights.len() - 1, 0);
    let mut handed_out = Vec::new();
    while handed_out.len() < count {
        pointer = (pointer + 1) % weights.len();
        if pointer == 0 {
            threshold = if threshold <= step {
                largest
            } else {
                threshold - step
            };
        }
        if weights[pointer] >= threshold {
            handed_out.push(pointer);
        }
    }
    handed_out
}

#[test]
fn weights_are_interleaved_and_a_cycle_is_as_short_as_can_be() {
    assert_eq!(weighted(&[4, 3, 2], 100), [0, 0, 1, 0, 1, 2, 0, 1, 2]);
    assert_eq!(weighted(&[20, 0, 10], 100), [0, 0, 2]);
    assert_eq!(weighted(&[0, 0], 100), [0; 0]);
}

#[test]
fn equal_ones_come_once_each_if_they_have_a_weight_at_all() {
    assert_eq!(equal(&[1, 0, 9], 100), [0, 2]);
    assert_eq!(equal(&[1; 9], 4), [0, 1, 2, 3]);
}

#[test]
fn huge_weights_are_scaled_and_nobody_is_forgotten() {
    let cycle = weighted(&[65535, 1, 30000], 251);
    let turns = |server| cycle.iter().filter(|&&other| other == server).count();
    assert!(cycle.len() <= 251);
    assert_eq!((turns(0), turns(1), turns(2)), (170, 1, 77));
    assert_eq!(weighted(&[7; 300], 251).len(), 251);
}

proptest! {
    #[test]
    fn the_order_is_the_kernels(weights in prop::collection::vec(0u16..30, 1..10)) {
        prop_assume!(weights.iter().any(|&weight| weight > 0));
        let cycle = weighted(&weights, 4093);
        prop_assert_eq!(&kernel(&weights, cycle.len() * 2)[..cycle.len()], &cycle[..]);
        prop_assert_eq!(&kernel(&weights, cycle.len() * 2)[cycle.len()..], &cycle[..]);
    }

    #[test]
    fn a_cycle_fits_and_serves_each(weights in prop::collection::vec(any::<u16>(), 0..40)) {
        let cycle = weighted(&weights, 251);
        prop_assert!(cycle.len() <= 251);
        for (server, &weight) in weights.iter().enumerate() {
            prop_assert_eq!(weight > 0, cycle.contains(&server));
        }
    }
}

//! In which order `rr` and `wrr` hand out new connections. PURE.
//!
//! As the kernel does (net/netfilter/ipvs/ip_vs_wrr.c): rounds with a falling threshold, from the
//! largest weight to the smallest in steps of the greatest common divisor; in each round all
//! whose weight reaches the threshold have a turn.

use super::maglev::gcd;

/// One cycle of `rr` over servers of these weights, in the canonical order: their indexes.
#[must_use]
pub fn equal(weights: &[u16], room: usize) -> Vec<usize> {
    let usable = (0..weights.len()).filter(|&index| weights[index] > 0);
    usable.take(room).collect()
}

/// One cycle of `wrr`.
#[must_use]
pub fn weighted(weights: &[u16], room: usize) -> Vec<usize> {
    let weights = scaled(weights, room);
    let largest = weights.iter().copied().max().unwrap_or(0);
    let rounds = (1..=largest).rev();
    let turns = rounds.flat_map(|threshold| {
        let reach = weights.iter().enumerate();
        reach.filter_map(move |(index, &weight)| (weight >= threshold).then_some(index))
    });
    turns.take(room).collect()
}

/// The weights without their common divisor, made smaller until a cycle fits. Whoever has a
/// weight keeps at least one turn.
fn scaled(weights: &[u16], room: usize) -> Vec<usize> {
    let divided = without_divisor(weights.iter().map(|&weight| weight.into()).collect());
    let sum: usize = divided.iter().sum();
    if sum <= room {
        return divided;
    }
    let servers = divided.iter().filter(|&&weight| weight > 0).count();
    let spare = room.saturating_sub(servers);
    let turns = |weight: usize| match weight {
        0 => 0,
        // At most `spare` for all together, and one for each that was rounded down to nothing.
        _ => (weight * spare / sum).max(1),
    };
    without_divisor(divided.into_iter().map(turns).collect())
}

fn without_divisor(weights: Vec<usize>) -> Vec<usize> {
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    weights.into_iter().map(|weight| weight / divisor).collect()
}

#[cfg(test)]
mod tests;

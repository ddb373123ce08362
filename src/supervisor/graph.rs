//! Who depends on whom. Pure; built once per stack, acyclic by the time it gets here.

use std::collections::BTreeSet;

use super::state::UnitId;
use crate::stack::Condition;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Graph {
    dependencies: Vec<Vec<(UnitId, Condition)>>,
    dependents: Vec<Vec<UnitId>>,
}

impl Graph {
    /// `dependencies[i]` lists what unit `i` waits for.
    pub(crate) fn new(dependencies: Vec<Vec<(UnitId, Condition)>>) -> Self {
        let mut dependents = vec![Vec::new(); dependencies.len()];
        for (index, on) in dependencies.iter().enumerate() {
            for (dependency, _) in on {
                dependents[dependency.0].push(UnitId(index));
            }
        }
        Self { dependencies, dependents }
    }

    pub(crate) fn dependencies(&self, id: UnitId) -> &[(UnitId, Condition)] {
        &self.dependencies[id.0]
    }

    /// These units and everything they need, directly or not.
    pub(crate) fn with_dependencies(&self, units: impl IntoIterator<Item = UnitId>) -> BTreeSet<UnitId> {
        closure(units, |id| self.dependencies[id.0].iter().map(|(on, _)| *on).collect())
    }

    /// These units and everything that needs them, directly or not.
    pub(crate) fn with_dependents(&self, units: impl IntoIterator<Item = UnitId>) -> BTreeSet<UnitId> {
        closure(units, |id| self.dependents[id.0].clone())
    }

    /// The units in waves: each needs only units of earlier waves.
    pub(crate) fn waves(&self) -> Vec<Vec<UnitId>> {
        let mut depth = vec![0_usize; self.dependencies.len()];
        // Acyclic, so the longest path has fewer edges than there are units.
        for _ in 0..depth.len() {
            for (index, on) in self.dependencies.iter().enumerate() {
                let below = on.iter().map(|(dependency, _)| depth[dependency.0] + 1).max();
                depth[index] = depth[index].max(below.unwrap_or(0));
            }
        }
        let last = depth.iter().max().map_or(0, |deepest| deepest + 1);
        (0..last)
            .map(|wave| (0..depth.len()).filter(|index| depth[*index] == wave).map(UnitId).collect())
            .collect()
    }
}

fn closure(
    start: impl IntoIterator<Item = UnitId>,
    neighbours: impl Fn(UnitId) -> Vec<UnitId>,
) -> BTreeSet<UnitId> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<UnitId> = start.into_iter().collect();
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(neighbours(id));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// database ← migration ← service, and a lonely cache.
    fn chain() -> Graph {
        Graph::new(vec![
            vec![],
            vec![(UnitId(0), Condition::Healthy)],
            vec![(UnitId(1), Condition::Completed)],
            vec![],
        ])
    }

    #[test]
    fn closures_follow_the_edges_both_ways() {
        let graph = chain();
        assert_eq!(graph.with_dependencies([UnitId(2)]), BTreeSet::from([UnitId(0), UnitId(1), UnitId(2)]));
        assert_eq!(graph.with_dependents([UnitId(0)]), BTreeSet::from([UnitId(0), UnitId(1), UnitId(2)]));
        assert_eq!(graph.with_dependents([UnitId(3)]), BTreeSet::from([UnitId(3)]));
    }

    #[test]
    fn what_needs_nothing_is_in_the_first_wave() {
        assert_eq!(chain().waves(), vec![vec![UnitId(0), UnitId(3)], vec![UnitId(1)], vec![UnitId(2)]],);
    }
}

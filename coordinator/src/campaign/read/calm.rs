//! What comes after the storm: settling, what must have been seen, when to stop, shrinking.

use std::time::Duration;

use crate::scenario::source::Node;
use crate::scenario::syntax::cursor::{list, text, wrong_kind};

use super::super::reach::Reach;
use super::super::shrink::By;
use super::super::{Settle, ShrinkPlan};
use super::Reader;

impl Reader<'_> {
    pub(super) fn settle(&mut self, node: &Node) -> Settle {
        self.part(node, "`settle`", &["heal", "within", "then"]);
        if let Some(heal) = node
            .get("heal")
            .filter(|it| it.text() != Some("everything"))
        {
            self.wrong(
                heal,
                "`everything`: every fault has healed when a run settles",
            );
        }
        if let Some(within) = node.get("within") {
            self.duration(Some(within), Duration::ZERO);
        }
        let then = node
            .get("then")
            .map(|then| list(then, "`then`", &mut self.found));
        Settle {
            within: node.get("within").cloned(),
            then: then.unwrap_or_default().to_vec(),
        }
    }

    pub(super) fn reach(&mut self, node: Option<&Node>) -> Vec<Reach> {
        let Some(node) = node else { return Vec::new() };
        let items = list(node, "`reach`", &mut self.found);
        items
            .iter()
            .filter_map(|item| Reach::read(item, &mut self.found))
            .collect()
    }

    pub(super) fn stop_after(&mut self, node: Option<&Node>) -> Option<u64> {
        let node = node?;
        self.part(node, "`stop_after`", &["failures"]);
        Some(self.number(node.get("failures"), 1, u64::MAX / 2, 1))
    }

    pub(super) fn shrink(&mut self, node: Option<&Node>) -> ShrinkPlan {
        let mut plan = ShrinkPlan {
            wanted: true,
            by: By::ALL.to_vec(),
            budget: Duration::from_secs(120),
            keep_as: None,
        };
        let Some(node) = node else { return plan };
        if node.text() == Some("false") {
            plan.wanted = false;
            return plan;
        }
        self.part(node, "`shrink`", &["by", "budget", "keep_as"]);
        plan.budget = self.duration(node.get("budget"), plan.budget);
        if let Some(by) = node.get("by") {
            let items = list(by, "`by`", &mut self.found);
            plan.by = items.iter().filter_map(|item| self.by(item)).collect();
        }
        if let Some(keep) = node.get("keep_as") {
            let folder = text(keep, "`keep_as`", &mut self.found);
            plan.keep_as = folder.map(|folder| self.folder.join(folder));
        }
        plan
    }

    fn by(&mut self, item: &Node) -> Option<By> {
        let Some(name) = item.text() else {
            wrong_kind(item, "what to shrink by", "text", &mut self.found);
            return None;
        };
        let by = By::ALL.iter().find(|by| by.name() == name).copied();
        if by.is_none() {
            self.found
                .error("E0107", item.span, format!("nothing is shrunk by `{name}`"))
                .suggest(name, By::ALL.iter().map(|by| by.name()));
        }
        by
    }
}

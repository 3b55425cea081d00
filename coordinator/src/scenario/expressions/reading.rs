//! What an expression reads: found in its tree, names that it binds itself left out.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue};

use super::{Path, PathStep};

/// Collects what an expression reads: names that it does not bind itself.
#[derive(Default)]
pub(super) struct Reading {
    bound: Vec<String>,
    /// Ways to values.
    pub(super) paths: BTreeSet<Path>,
    /// What lists are made of, by `map` and `filter`.
    pub(super) listed: BTreeSet<Path>,
    /// Functions that are called.
    pub(super) functions: BTreeSet<String>,
}

impl Reading {
    /// Reads a part of an expression.
    pub(super) fn expression(&mut self, node: &IdedExpr) {
        if let Some(path) = path_of(node) {
            if !path.root.starts_with('@') && !self.bound.contains(&path.root) {
                self.paths.insert(path);
            }
            return;
        }
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => {}
            Expr::Select(select) => self.expression(&select.operand),
            Expr::Call(call) => {
                self.functions.insert(call.func_name.clone());
                call.target
                    .iter()
                    .for_each(|target| self.expression(target));
                call.args
                    .iter()
                    .for_each(|argument| self.expression(argument));
            }
            Expr::List(list) => list
                .elements
                .iter()
                .for_each(|element| self.expression(element)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(&entry.expr)),
            Expr::Struct(structure) => structure
                .entries
                .iter()
                .for_each(|entry| self.entry(&entry.expr)),
            Expr::Comprehension(comprehension) => {
                if matches!(comprehension.accu_init.expr, Expr::List(_)) {
                    self.listed.extend(path_of(&comprehension.iter_range));
                }
                self.expression(&comprehension.iter_range);
                self.expression(&comprehension.accu_init);
                let before = self.bound.len();
                self.bound.push(comprehension.iter_var.clone());
                self.bound.extend(comprehension.iter_var2.clone());
                self.bound.push(comprehension.accu_var.clone());
                for part in [
                    &comprehension.loop_cond,
                    &comprehension.loop_step,
                    &comprehension.result,
                ] {
                    self.expression(part);
                }
                self.bound.truncate(before);
            }
        }
    }

    fn entry(&mut self, entry: &EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => self.expression(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.expression(&entry.key);
                self.expression(&entry.value);
            }
        }
    }
}

/// `a.b[0].c` as a path; `None` for anything that computes. `has(a.b)` reads `a`.
fn path_of(node: &IdedExpr) -> Option<Path> {
    match &node.expr {
        Expr::Ident(name) => Some(Path {
            root: name.clone(),
            steps: Vec::new(),
        }),
        Expr::Select(select) => {
            let mut path = path_of(&select.operand)?;
            if !select.test {
                path.steps.push(PathStep::Member(select.field.clone()));
            }
            Some(path)
        }
        Expr::Call(call) if call.func_name == "_[_]" && call.target.is_none() => {
            let [operand, index] = call.args.as_slice() else {
                return None;
            };
            let Expr::Literal(literal) = &index.expr else {
                return None;
            };
            let mut path = path_of(operand)?;
            path.steps.push(match literal {
                LiteralValue::Int(index) => PathStep::Index(usize::try_from(*index.inner()).ok()?),
                LiteralValue::String(member) => PathStep::Member(member.inner().to_owned()),
                _ => return None,
            });
            Some(path)
        }
        _ => None,
    }
}

//! Weaving all mutants of a file into it, each behind a switch.
//!
//! `a + b` becomes `(if on(7) { a - b } else { a + b })`, a function begins with `if on(8) { return 0; }`, an arm of
//! a match gets the guard `if !on(9)`. As only one mutant is awake at a time, what a mutant puts in needs no
//! switches inside, so that the text grows by little.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::Outcome;
use crate::mutant::{Genre, Mutant};
use crate::text::{Insert, byte_of, put_in};

/// A file with its mutants in it.
#[derive(Default)]
pub(crate) struct Woven {
    pub(crate) text: String,
    /// Which bytes are which mutant's.
    pub(crate) parts: Vec<(Range<usize>, u32)>,
    /// What could not go in: constants, functions that the compiler runs, and `&&` beside a `let`.
    pub(crate) left_out: Vec<u32>,
}

/// Weaves `mutants` into `source`; `switch` is the path of the function that says whether one is awake. A `const fn`
/// becomes a plain one, unless the compiler has to run it.
pub(crate) fn weave(
    source: &str,
    mutants: &[&Mutant],
    switch: &str,
    kept_const: &BTreeSet<String>,
) -> Outcome<Woven> {
    let file = syn::parse_file(source)?;
    let mut places: HashMap<(Genre, usize), Vec<&Mutant>> = HashMap::new();
    for &mutant in mutants {
        let at = byte_of(source, mutant.start).ok_or(format!("{} is not there", mutant.name))?;
        places.entry((mutant.genre, at)).or_default().push(mutant);
    }
    let (inserts, done) = (Vec::new(), HashSet::new());
    let mut weaver = Weaver { source, switch, kept_const, places, inserts, depth: 0, done };
    weaver.visit_file(&file);
    let left_out = mutants.iter().map(|mutant| mutant.number).filter(|n| !weaver.done.contains(n)).collect();
    let (text, parts) = put_in(source, weaver.inserts);
    Ok(Woven { text, parts, left_out })
}

struct Weaver<'s> {
    source: &'s str,
    switch: &'s str,
    kept_const: &'s BTreeSet<String>,
    places: HashMap<(Genre, usize), Vec<&'s Mutant>>,
    inserts: Vec<Insert>,
    /// Rises with each insert, so that what is inside comes after what is outside.
    depth: i64,
    done: HashSet<u32>,
}

impl<'s> Weaver<'s> {
    fn take(&mut self, genre: Genre, at: usize) -> Vec<&'s Mutant> {
        let found = self.places.remove(&(genre, at)).unwrap_or_default();
        self.done.extend(found.iter().map(|mutant| mutant.number));
        found
    }

    fn text(&self, range: Range<usize>) -> &'s str {
        self.source.get(range).unwrap_or_default()
    }

    fn insert(&mut self, at: usize, text: String, parts: Vec<(Range<usize>, u32)>) {
        self.depth += 1;
        self.inserts.push(Insert { at, instead_of: 0, order: (1, self.depth), text, parts });
    }

    /// Puts an expression behind switches that lead to other expressions.
    fn wrap(&mut self, range: Range<usize>, others: Vec<(u32, String)>) {
        if others.is_empty() {
            return;
        }
        let mut text = String::from("(");
        let mut parts = Vec::new();
        for (number, other) in others {
            text.push_str(&format!("if {}({number}) ", self.switch));
            let start = text.len();
            text.push_str(&format!("{{ {other} }}"));
            parts.push((start..text.len(), number));
            text.push_str(" else ");
        }
        text.push_str("{ ");
        self.insert(range.start, text, parts);
        let order = (0, -self.depth);
        let end = Insert { at: range.end, instead_of: 0, order, text: " })".to_owned(), parts: Vec::new() };
        self.inserts.push(end);
    }

    /// Whether the function can ask a switch.
    fn is_plain(&mut self, sig: &syn::Signature) -> bool {
        let Some(word) = sig.constness else { return true };
        if self.kept_const.contains(&sig.ident.to_string()) {
            return false;
        }
        let at = word.span().byte_range();
        let (text, parts) = (String::new(), Vec::new());
        self.inserts.push(Insert { at: at.start, instead_of: at.len(), order: (2, 0), text, parts });
        true
    }

    fn body(&mut self, block: &syn::Block) {
        let Some(first) = block.stmts.first() else { return };
        let at = first.span().byte_range().start;
        for mutant in self.take(Genre::FnValue, at) {
            let mut text = format!("if {}({}) ", self.switch, mutant.number);
            let start = text.len();
            text.push_str(&format!("{{ return {}; }}", mutant.replacement));
            let parts = vec![(start..text.len(), mutant.number)];
            text.push(' ');
            self.insert(at, text, parts);
        }
    }
}

impl<'ast> Visit<'ast> for Weaver<'_> {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        if self.is_plain(&node.sig) {
            self.body(&node.block);
            visit::visit_item_fn(self, node);
        }
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        if self.is_plain(&node.sig) {
            self.body(&node.block);
            visit::visit_impl_item_fn(self, node);
        }
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.body(block);
        }
        visit::visit_trait_item_fn(self, node);
    }

    fn visit_expr_binary(&mut self, node: &'ast syn::ExprBinary) {
        let (all, op) = (node.span().byte_range(), node.op.span().byte_range());
        let mutants = self.take(Genre::BinaryOperator, op.start);
        if holds_let(node) {
            mutants.iter().for_each(|mutant| {
                self.done.remove(&mutant.number);
            });
        } else {
            let (left, right) = (self.text(all.start..op.start), self.text(op.end..all.end));
            let other = |mutant: &&Mutant| (mutant.number, format!("{left}{}{right}", mutant.replacement));
            self.wrap(all, mutants.iter().map(other).collect());
        }
        visit::visit_expr_binary(self, node);
    }

    fn visit_expr_unary(&mut self, node: &'ast syn::ExprUnary) {
        let (all, op) = (node.span().byte_range(), node.op.span().byte_range());
        let mutants = self.take(Genre::UnaryOperator, op.start);
        let without = self.text(op.end..all.end).to_owned();
        self.wrap(all, mutants.iter().map(|mutant| (mutant.number, without.clone())).collect());
        visit::visit_expr_unary(self, node);
    }

    fn visit_expr_match(&mut self, node: &'ast syn::ExprMatch) {
        // Only then is there Rust without an arm.
        let catches_all = |arm: &syn::Arm| arm.guard.is_none() && matches!(arm.pat, syn::Pat::Wild(_));
        let can_lose_one = node.arms.iter().any(catches_all);
        for arm in &node.arms {
            let start = arm.span().byte_range().start;
            let deleted = if can_lose_one { self.take(Genre::MatchArm, start) } else { Vec::new() };
            for mutant in deleted {
                let text = format!(" if !{}({})", self.switch, mutant.number);
                let parts = vec![(0..text.len(), mutant.number)];
                self.insert(arm.pat.span().byte_range().end, text, parts);
            }
            if let Some((_, guard)) = &arm.guard {
                let range = guard.span().byte_range();
                let mutants = self.take(Genre::MatchArmGuard, range.start);
                let others =
                    mutants.iter().map(|mutant| (mutant.number, mutant.replacement.clone())).collect();
                self.wrap(range, others);
            }
        }
        visit::visit_expr_match(self, node);
    }

    fn visit_expr_struct(&mut self, node: &'ast syn::ExprStruct) {
        let all = node.span().byte_range();
        let mut others = Vec::new();
        for field in &node.fields {
            for mutant in self.take(Genre::StructField, field.span().byte_range().start) {
                let (Some(start), Some(end)) =
                    (byte_of(self.source, mutant.start), byte_of(self.source, mutant.end))
                else {
                    continue;
                };
                let without = format!("{}{}", self.text(all.start..start), self.text(end..all.end));
                others.push((mutant.number, without));
            }
        }
        self.wrap(all, others);
        visit::visit_expr_struct(self, node);
    }

    // What the compiler runs cannot ask which mutant is awake.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_type_array(&mut self, _: &'ast syn::TypeArray) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}
    fn visit_expr_repeat(&mut self, node: &'ast syn::ExprRepeat) {
        self.visit_expr(&node.expr);
    }
}

/// `a && let ..`: neither can it stand in parentheses, nor can another operator stand in it.
fn holds_let(node: &syn::ExprBinary) -> bool {
    let side = |side: &syn::Expr| match side {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(inner) => holds_let(inner),
        _ => false,
    };
    matches!(node.op, syn::BinOp::And(_)) && (side(&node.left) || side(&node.right))
}

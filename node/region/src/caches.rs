//! Decoded things worth keeping between steps; never the only place of anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::names::AccountId;

use crate::identity::{Document, DocumentKind, Policy, PolicyError};
use crate::mutants::{self, Mutant};
use crate::quotas::Bucket;
use crate::services::kms::KeyPair;
use crate::vault::SecretKey;

/// How many documents are kept before all are forgotten: simple, and the same in every run.
const LIMIT: usize = 4096;

/// What a Region keeps decoded.
#[derive(Debug, Default)]
pub struct Caches {
    /// KMS backing keys that were opened, by material id; never stored.
    pub backing_keys: BTreeMap<String, SecretKey>,
    /// DynamoDB's keys of a table (for items, for names of rows), by the sealed bytes that they
    /// come from; never stored.
    pub table_keys: BTreeMap<Vec<u8>, [SecretKey; 2]>,
    /// Key pairs of asymmetric KMS keys that were opened, by material id; never stored.
    pub(crate) key_pairs: BTreeMap<String, KeyPair>,
    /// By fault: the second that runs, and how many calls it has let pass. A new process
    /// begins anew.
    pub passed: BTreeMap<String, (u64, u64)>,
    /// What is left of request quotas, by account, in the order of [`QUOTAS`](crate::quotas::QUOTAS). A new
    /// process begins with full buckets.
    pub buckets: BTreeMap<AccountId, Vec<Option<Bucket>>>,
    policies: BTreeMap<DocumentKind, BTreeMap<Arc<str>, Arc<Policy>>>,
    /// What a planted bug takes for the policies of keys.
    first_policies: BTreeMap<String, Arc<Policy>>,
}

impl Caches {
    /// Keeps the keys of a table.
    pub fn keep_table_keys(&mut self, sealed: &[u8], keys: [SecretKey; 2]) {
        if self.table_keys.len() >= LIMIT {
            self.table_keys.clear();
        }
        self.table_keys.insert(sealed.to_vec(), keys);
    }

    /// The policy that decides over a key: the given one, unless a bug is planted.
    pub(crate) fn slip(&mut self, key: &str, policy: Arc<Policy>) -> Arc<Policy> {
        if !mutants::is(Mutant::PolicyCacheNotInvalidated) {
            return policy;
        }
        let first = self.first_policies.entry(key.to_owned());
        Arc::clone(first.or_insert(policy))
    }

    /// The policy document that `text` is, parsed once.
    ///
    /// # Errors
    /// [`PolicyError`] when it is none.
    pub fn policy(
        &mut self,
        kind: DocumentKind,
        name: &str,
        text: &str,
    ) -> Result<Arc<Policy>, PolicyError> {
        let known = self.policies.entry(kind).or_default();
        if let Some(policy) = known.get(text).filter(|policy| &*policy.name == name) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(Policy::new(name, Document::parse(text, kind)?));
        if known.len() >= LIMIT {
            known.clear();
        }
        known.insert(Arc::clone(&policy.document.source), Arc::clone(&policy));
        Ok(policy)
    }
}

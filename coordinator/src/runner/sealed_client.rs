//! The sealed client of a table, as the world describes it, where it stands.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::RegionName;
use faultline_sealed::beacons::{
    CompoundBeacon, EncryptedPart, Location, SignedPart, StandardBeacon, Transform, VirtualField,
    VirtualPart,
};
use faultline_sealed::{
    AttributeAction, BeaconConfig, BeaconKeyCache, BeaconSource, Beacons, BranchKeyCache,
    BranchKeyId, Client, Hierarchy, Interceptor, KeyArn, KeyStore, Keyring, KmsConfiguration,
    PlaintextPolicy, Schema, SchemaConfig, SealedError, Search, Suite, TableAt,
};
use serde_json::Value;

use super::Runner;
use super::problem::Trouble;
use super::verbs::Asked;
use crate::scenario::plan::sealed::{
    BeaconsPlan, CompoundBeaconPlan, HierarchyPlan, KeyringPlan, MultiKeyringPlan,
    SealedClientPlan, TransformPlan, VirtualFieldPlan,
};

/// How long keys are used once they are fetched, unless the world says otherwise.
const TTL: u64 = 600;

/// What clients keep of branch keys, by table, principal and where they stand.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<String, Caches>);

/// Of one table's client.
type Caches = (BranchKeyCache, BeaconKeyCache);

impl Runner<'_> {
    /// The client that the world has for the step's table.
    pub(super) fn sealed_client(&self, asked: &Asked) -> Result<(Client, TableAt), Trouble> {
        let name = asked.arguments["table_name"].as_str().unwrap_or_default();
        let client = self.client_of(name, asked)?;
        let at = TableAt {
            region: self.asked_region(asked)?,
            name: name.to_owned(),
        };
        Ok((client, at))
    }

    /// The clients of the tables that a request names, by name or ARN; one at least.
    pub(super) fn interceptor(&self, asked: &Asked) -> Result<Interceptor, Trouble> {
        let mut clients = BTreeMap::new();
        let mut missing = None;
        for named in tables(&asked.arguments) {
            let name = named.rsplit('/').next().unwrap_or(named);
            if self.case.world.sealed_clients.contains_key(name) {
                clients.insert(name.to_owned(), self.client_of(name, asked)?);
            } else {
                missing.get_or_insert(name);
            }
        }
        match missing {
            Some(name) if clients.is_empty() => Err(self.no_client(name)),
            Some(_) | None => Ok(Interceptor {
                region: self.asked_region(asked)?,
                clients,
            }),
        }
    }

    fn client_of(&self, name: &str, asked: &Asked) -> Result<Client, Trouble> {
        let clients = &self.case.world.sealed_clients;
        let plan = clients.get(name).ok_or_else(|| self.no_client(name))?;
        let tables = &self.case.world.tables;
        let table = tables.get(name).ok_or_else(|| self.no_client(name))?;
        let wrong = |error: SealedError| self.own(error.code(), error.to_string());
        let mut config = configured(plan, name).map_err(wrong)?;
        config.partition_key.clone_from(&table.what.partition_key);
        config.sort_key.clone_from(&table.what.sort_key);
        let schema = Schema::new(config).map_err(wrong)?;
        let kept = self.kept(name, asked);
        let keyring = self.keyring(&plan.keyring, &kept, asked).map_err(wrong)?;
        let client = Client::new(schema, keyring);
        match &plan.beacons {
            None => Ok(client),
            Some(beacons) => {
                let beacons = beacons_of(beacons, &kept, &client).map_err(wrong)?;
                Ok(client.with_beacons(beacons))
            }
        }
    }

    fn no_client(&self, table: &str) -> Trouble {
        self.own(
            "MissingClient",
            format!("the world has no sealed client for the table `{table}`"),
        )
    }

    fn asked_region(&self, asked: &Asked) -> Result<RegionName, Trouble> {
        let none = || self.own("NoRegion", "the step does not say which Region is asked");
        asked.region.clone().ok_or_else(none)
    }

    /// The keyring as the client has it: a multi-Region key is asked where it stands.
    fn keyring(
        &self,
        plan: &KeyringPlan,
        kept: &Caches,
        asked: &Asked,
    ) -> Result<Keyring, SealedError> {
        let from = &asked.caller.from;
        let several = |plan: &MultiKeyringPlan, at: Option<&RegionName>| {
            let mut names = plan.generator.iter().chain(&plan.others);
            let first = names
                .next()
                .ok_or_else(|| SealedError::SchemaViolation("a keyring needs a key".to_owned()))?;
            let generator = self.key_arn(first, at)?;
            let children = names
                .map(|name| self.key_arn(name, at))
                .collect::<Result<Vec<_>, _>>()?;
            Ok::<_, SealedError>((generator, children))
        };
        match plan {
            KeyringPlan::Kms(name) => Ok(Keyring::Kms(self.key_arn(name, None)?)),
            KeyringPlan::KmsMrk(name) => Ok(Keyring::KmsMrk(self.key_arn(name, Some(from))?)),
            KeyringPlan::KmsMulti(plan) => {
                let (generator, children) = several(plan, None)?;
                Keyring::kms_multi(generator, children)
            }
            KeyringPlan::MrkMulti(plan) => {
                let (generator, children) = several(plan, Some(from))?;
                Keyring::mrk_multi(generator, children)
            }
            KeyringPlan::MrkDiscovery(plan) => {
                let known = &self.world.accounts;
                let accounts = plan.accounts.iter().filter_map(|name| known.get(name));
                Ok(Keyring::MrkDiscovery {
                    region: from.clone(),
                    accounts: accounts.cloned().collect(),
                })
            }
            KeyringPlan::Hierarchy(plan) => {
                self.hierarchy(plan, kept, asked).map(Keyring::Hierarchy)
            }
        }
    }

    fn key_arn(&self, name: &str, at: Option<&RegionName>) -> Result<KeyArn, SealedError> {
        let key = self.world.keys.get(name).ok_or_else(|| {
            SealedError::SchemaViolation(format!("the world has no key `{name}`"))
        })?;
        let here = at.filter(|_| key.multi_region).unwrap_or(&key.region);
        key.arn(here).parse()
    }

    fn hierarchy(
        &self,
        plan: &HierarchyPlan,
        kept: &Caches,
        asked: &Asked,
    ) -> Result<Hierarchy, SealedError> {
        let branch_key = match (&plan.branch_key, &plan.branch_key_by) {
            (Some(id), None) => BranchKeyId::Fixed(id.clone()),
            (None, Some(by)) => BranchKeyId::ByAttribute {
                attribute: by.attribute.clone(),
                ids: by.ids.clone(),
            },
            (None, None) | (Some(_), Some(_)) => {
                return Err(SealedError::SchemaViolation(
                    "a hierarchical keyring needs one of `branch_key` and `branch_key_by`".into(),
                ));
            }
        };
        Ok(Hierarchy {
            store: self.key_store(plan, asked)?,
            branch_key,
            time_to_live: plan.ttl.map_or(TTL, |ttl| ttl.as_secs()),
            cache: kept.0.clone(),
        })
    }

    /// The key store, read where the client stands if the table is there.
    fn key_store(&self, plan: &HierarchyPlan, asked: &Asked) -> Result<KeyStore, SealedError> {
        let from = &asked.caller.from;
        let name = &plan.key_store;
        let table = self.case.world.tables.get(name).ok_or_else(|| {
            SealedError::SchemaViolation(format!("the world has no table `{name}`"))
        })?;
        let regions = &table.what.replicas;
        let home = table.what.region.as_ref().or_else(|| regions.first());
        let here = regions.iter().find(|region| *region == from).or(home);
        let key = self.key_arn(&plan.key, Some(from))?;
        let kms = if key.is_multi_region() {
            KmsConfiguration::MrkArn(key)
        } else {
            KmsConfiguration::KeyArn(key)
        };
        let logical = plan.logical_key_store_name.as_ref();
        Ok(KeyStore {
            table: TableAt {
                region: here.unwrap_or(&self.world.home).clone(),
                name: name.clone(),
            },
            logical_name: logical.unwrap_or(name).clone(),
            kms,
        })
    }

    fn kept(&self, table: &str, asked: &Asked) -> Caches {
        let who = format!("{table} {} {}", asked.caller.principal, asked.caller.from);
        self.kept.borrow_mut().0.entry(who).or_default().clone()
    }
}

fn beacons_of(plan: &BeaconsPlan, kept: &Caches, client: &Client) -> Result<Beacons, SealedError> {
    let Keyring::Hierarchy(hierarchy) = &client.keyring else {
        return Err(SealedError::SchemaViolation(
            "beacons need a hierarchical keyring: their key is in its key store".to_owned(),
        ));
    };
    Ok(Beacons {
        search: Search::new(beacon_config(plan)?, &client.schema)?,
        source: BeaconSource {
            store: hierarchy.store.clone(),
            key_id: plan.branch_key.clone(),
            time_to_live: hierarchy.time_to_live,
            cache: kept.1.clone(),
        },
    })
}

/// The tables that the arguments of a DynamoDB operation name.
fn tables(arguments: &Value) -> BTreeSet<&str> {
    let own = arguments["table_name"].as_str();
    let batch = arguments["request_items"].as_object();
    let actions = arguments["transact_items"].as_array();
    let acted = actions
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|action| action.values())
        .filter_map(|action| action["table_name"].as_str());
    let batch = batch.into_iter().flat_map(|map| map.keys());
    own.into_iter()
        .chain(batch.map(String::as_str))
        .chain(acted)
        .collect()
}

fn configured(plan: &SealedClientPlan, table: &str) -> Result<SchemaConfig, SealedError> {
    let mut actions = BTreeMap::new();
    for (attribute, action) in &plan.attributes {
        let action: AttributeAction = action.parse()?;
        actions.insert(attribute.clone(), action);
    }
    let prefix = plan.allowed_unsigned_prefix.clone();
    let by_prefix = |name: &str| {
        prefix
            .as_ref()
            .is_some_and(|prefix| name.starts_with(prefix))
    };
    let unsigned = actions
        .iter()
        .filter(|(name, action)| **action == AttributeAction::DoNothing && !by_prefix(name))
        .map(|(attribute, _)| attribute.clone());
    Ok(SchemaConfig {
        logical_table_name: plan
            .logical_table_name
            .as_deref()
            .unwrap_or(table)
            .to_owned(),
        allowed_unsigned_attributes: unsigned.collect(),
        actions,
        suite: match plan.suite.as_deref() {
            Some("0x6700") => Suite::SymmetricOnly,
            _ => Suite::WithSignature,
        },
        plaintext_policy: match plan.plaintext.as_deref() {
            Some("force_plaintext_write_allow_plaintext_read") => {
                PlaintextPolicy::ForceWriteAllowRead
            }
            Some("forbid_plaintext_write_allow_plaintext_read") => {
                PlaintextPolicy::ForbidWriteAllowRead
            }
            _ => PlaintextPolicy::ForbidWriteForbidRead,
        },
        allowed_unsigned_prefix: prefix,
        ..SchemaConfig::default()
    })
}

fn beacon_config(plan: &BeaconsPlan) -> Result<BeaconConfig, SealedError> {
    let mut config = BeaconConfig::default();
    for beacon in &plan.standard {
        config.standard.push(StandardBeacon {
            name: beacon.name.clone(),
            length: beacon.length,
            location: Location::parse(beacon.location.as_ref().unwrap_or(&beacon.name))?,
        });
    }
    for beacon in &plan.compound {
        config.compound.push(compound(beacon)?);
    }
    for field in &plan.virtual_fields {
        config.virtual_fields.push(virtual_field(field)?);
    }
    Ok(config)
}

fn compound(plan: &CompoundBeaconPlan) -> Result<CompoundBeacon, SealedError> {
    let mut signed = Vec::new();
    for part in &plan.signed {
        signed.push(SignedPart {
            name: part.name.clone(),
            prefix: part.prefix.clone(),
            location: Location::parse(part.location.as_ref().unwrap_or(&part.name))?,
        });
    }
    let encrypted = plan.encrypted.iter().map(|part| EncryptedPart {
        name: part.name.clone(),
        prefix: part.prefix.clone(),
    });
    let part = |text: &String| match text.strip_suffix('?') {
        Some(optional) => (optional.to_owned(), false),
        None => (text.clone(), true),
    };
    let constructors = plan.constructors.iter();
    Ok(CompoundBeacon {
        name: plan.name.clone(),
        split: character(&plan.split)?,
        signed,
        encrypted: encrypted.collect(),
        constructors: constructors
            .map(|constructor| constructor.parts.iter().map(part).collect())
            .collect(),
    })
}

fn virtual_field(plan: &VirtualFieldPlan) -> Result<VirtualField, SealedError> {
    let mut parts = Vec::new();
    for part in &plan.parts {
        let mut transforms = Vec::new();
        for plan in &part.transforms {
            transforms.extend(transform(plan)?);
        }
        parts.push(VirtualPart {
            location: Location::parse(&part.location)?,
            transforms,
        });
    }
    Ok(VirtualField {
        name: plan.name.clone(),
        parts,
    })
}

fn transform(plan: &TransformPlan) -> Result<Option<Transform>, SealedError> {
    Ok(match plan {
        TransformPlan::Upper(yes) => yes.then_some(Transform::Upper),
        TransformPlan::Lower(yes) => yes.then_some(Transform::Lower),
        TransformPlan::Insert(text) => Some(Transform::Insert(text.clone())),
        TransformPlan::Prefix(length) => Some(Transform::Prefix(*length)),
        TransformPlan::Suffix(length) => Some(Transform::Suffix(*length)),
        TransformPlan::Substring(of) => Some(Transform::Substring(of.low, of.high)),
        TransformPlan::Segment(of) => Some(Transform::Segment(character(&of.split)?, of.low)),
        TransformPlan::Segments(of) => {
            let high = of.high.unwrap_or(i32::MAX);
            Some(Transform::Segments(character(&of.split)?, of.low, high))
        }
    })
}

fn character(text: &str) -> Result<char, SealedError> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(SealedError::SchemaViolation(format!(
            "'{text}' is not one character"
        ))),
    }
}

//! Items that the real library wrote: they open here, and what can be written again is
//! written byte for byte.
//!
//! The files under `golden/library` come from `tests/interop`, which runs aws-db-esdk against
//! live nodes. Each holds what KMS opened at the time; nothing else is needed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::dynamodb::{GetItemRequest, GetItemResponse};
use faultline_proto::kms::{DecryptRequest, DecryptResponse};
use faultline_proto::names::RegionName;
use faultline_sealed::attribute::to_attributes;
use faultline_sealed::beacons::{
    CompoundBeacon, EncryptedPart, Location, SignedPart, StandardBeacon, Transform, VirtualField,
    VirtualPart,
};
use faultline_sealed::open::Stored;
use faultline_sealed::secret::IntermediateKey;
use faultline_sealed::{
    AwsClient, BeaconConfig, BeaconKeyCache, BeaconSource, BranchKeyCache, BranchKeyId,
    CallFailure, Client, Draft, Hierarchy, Item, KeyArn, KeyStore, Keyring, KmsConfiguration,
    Query, Schema, SchemaConfig, SealMaterials, Search, Suite, TableAt, Value,
};
use prost::Message;
use serde_json::Value as Json;

use crate::world::now;

/// One golden file.
struct Library(Json);

fn files() -> Vec<(String, Library)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sealed/golden/library");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 6, "the golden files are there");
    files
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(path).unwrap();
            (name, Library(serde_json::from_str(&text).unwrap()))
        })
        .collect()
}

fn text(json: &Json) -> String {
    json.as_str().unwrap().to_owned()
}

fn item(json: &Json) -> Item {
    let members = json.as_object().unwrap().iter();
    members
        .map(|(name, member)| (name.clone(), value(member)))
        .collect()
}

fn value(json: &Json) -> Value {
    let (letters, json) = json.as_object().unwrap().iter().next().unwrap();
    let bytes = |json: &Json| STANDARD.decode(text(json)).unwrap();
    let list = || json.as_array().unwrap().iter();
    match letters.as_str() {
        "S" => Value::S(text(json)),
        "N" => Value::N(text(json)),
        "B" => Value::B(bytes(json)),
        "BOOL" => Value::Bool(json.as_bool().unwrap()),
        "NULL" => Value::Null,
        "SS" => Value::Ss(list().map(text).collect()),
        "NS" => Value::Ns(list().map(text).collect()),
        "BS" => Value::Bs(list().map(bytes).collect()),
        "L" => Value::L(list().map(value).collect()),
        "M" => Value::M(item(json)),
        other => panic!("{other} is no type"),
    }
}

fn texts(json: &Json) -> BTreeMap<String, String> {
    let members = json.as_object().into_iter().flatten();
    members
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

impl Library {
    fn schema(&self) -> Schema {
        let schema = &self.0["schema"];
        let actions = texts(&schema["actions"]);
        Schema::new(SchemaConfig {
            logical_table_name: text(&schema["logical_table_name"]),
            partition_key: text(&schema["partition_key"]),
            sort_key: Some(text(&schema["sort_key"])),
            actions: actions
                .into_iter()
                .map(|(name, action)| (name, action.parse().unwrap()))
                .collect(),
            allowed_unsigned_prefix: Some(text(&schema["allowed_unsigned_prefix"])),
            suite: match schema["suite"].as_str() {
                Some("0x6700") => Suite::SymmetricOnly,
                _ => Suite::WithSignature,
            },
            ..SchemaConfig::default()
        })
        .unwrap()
    }

    fn kms_key(&self) -> KeyArn {
        text(&self.0["kms"][0]["key_id"]).parse().unwrap()
    }

    fn store(&self) -> KeyStore {
        let region = self.kms_key().region().clone();
        KeyStore {
            table: TableAt {
                region,
                name: "keys".to_owned(),
            },
            logical_name: "branch-keys".to_owned(),
            kms: KmsConfiguration::MrkArn(self.kms_key()),
        }
    }

    fn keyring(&self) -> Keyring {
        if self.0["rows"].is_null() {
            return Keyring::KmsMrk(self.kms_key());
        }
        Keyring::Hierarchy(Hierarchy {
            store: self.store(),
            branch_key: BranchKeyId::Fixed("tenant-a".to_owned()),
            time_to_live: 600,
            cache: BranchKeyCache::default(),
        })
    }

    fn search(&self, schema: &Schema) -> Search {
        let loc = |json: &Json| Location::parse(&text(json)).unwrap();
        let all = |name: &str| self.0["beacons"][name].as_array().unwrap().iter();
        let parts = |json: &Json| json.as_array().unwrap().clone();
        let config = BeaconConfig {
            standard: all("standard")
                .map(|beacon| StandardBeacon {
                    name: text(&beacon["name"]),
                    length: u8::try_from(beacon["length"].as_u64().unwrap()).unwrap(),
                    location: loc(&beacon["location"]),
                })
                .collect(),
            compound: all("compound")
                .map(|beacon| CompoundBeacon {
                    name: text(&beacon["name"]),
                    split: text(&beacon["split"]).chars().next().unwrap(),
                    signed: parts(&beacon["signed"])
                        .iter()
                        .map(|part| SignedPart {
                            name: text(&part["name"]),
                            prefix: text(&part["prefix"]),
                            location: loc(&part["name"]),
                        })
                        .collect(),
                    encrypted: parts(&beacon["encrypted"])
                        .iter()
                        .map(|part| EncryptedPart {
                            name: text(&part["name"]),
                            prefix: text(&part["prefix"]),
                        })
                        .collect(),
                    constructors: parts(&beacon["constructors"])
                        .iter()
                        .map(|constructor| {
                            let parts = constructor.as_array().unwrap().iter();
                            parts
                                .map(|part| (text(&part[0]), part[1].as_bool().unwrap()))
                                .collect()
                        })
                        .collect(),
                })
                .collect(),
            virtual_fields: vec![VirtualField {
                name: "cityInitial".to_owned(),
                parts: vec![
                    VirtualPart {
                        location: Location::parse("city").unwrap(),
                        transforms: vec![Transform::Upper, Transform::Prefix(1)],
                    },
                    VirtualPart {
                        location: Location::parse("tested").unwrap(),
                        transforms: vec![Transform::Insert("!".to_owned())],
                    },
                ],
            }],
        };
        Search::new(config, schema).unwrap()
    }

    /// Opens every data key that KMS opened then: recipients as they would be written again.
    fn materials(&self, schema: &Schema) -> Option<SealMaterials> {
        let Stored::Sealed(sealed) = Stored::parse(schema, &item(&self.0["stored"])).unwrap()
        else {
            panic!("the item is sealed");
        };
        let [key] = sealed.data_keys() else {
            return None;
        };
        let plaintext = hex::decode(text(&self.0["kms"][0]["plaintext"])).unwrap();
        let intermediate = IntermediateKey::from_slice(&plaintext).unwrap();
        let (wrapped, _) = key.ciphertext.split_at(48);
        let context = sealed.context().serialize();
        Some(SealMaterials {
            message_id: sealed.message_id(),
            data_key: intermediate.unwrap(wrapped, &context).unwrap(),
            recipients: vec![(key.clone(), intermediate.tag_key())],
            signer: None,
        })
    }
}

impl AwsClient for Library {
    async fn call(
        &self,
        region: &RegionName,
        operation: &'static str,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, CallFailure> {
        let refused = |code: &str| CallFailure {
            region: region.clone(),
            operation,
            code: code.to_owned(),
            message: String::new(),
            payload: String::new(),
        };
        match operation {
            "kms.Decrypt" => {
                let request = DecryptRequest::decode(request.as_slice()).unwrap();
                let blob = hex::encode(request.ciphertext_blob());
                let mut kept = self.0["kms"].as_array().unwrap().iter();
                let opened = kept
                    .find(|kept| kept["ciphertext_blob"] == blob)
                    .filter(|kept| texts(&kept["encryption_context"]) == request.encryption_context)
                    .ok_or_else(|| refused("InvalidCiphertextException"))?;
                Ok(DecryptResponse {
                    key_id: request.key_id,
                    plaintext: hex::decode(text(&opened["plaintext"])).ok(),
                    ..DecryptResponse::default()
                }
                .encode_to_vec())
            }
            "dynamodb.GetItem" => {
                let request = GetItemRequest::decode(request.as_slice()).unwrap();
                let mut rows = self.0["rows"].as_array().unwrap().iter().map(item);
                let is_it = |row: &Item| {
                    let row = to_attributes(row.clone());
                    request
                        .key
                        .iter()
                        .all(|(name, value)| row.get(name) == Some(value))
                };
                Ok(GetItemResponse {
                    item: to_attributes(rows.find(is_it).unwrap_or_default()),
                    ..GetItemResponse::default()
                }
                .encode_to_vec())
            }
            other => panic!("{other} is not called"),
        }
    }

    fn now(&self) -> u64 {
        0
    }
}

/// CSE-012 to CSE-023, CSE-033: an item that the library wrote opens to what the library
/// itself makes of it.
#[test]
fn cse_024_what_the_library_wrote_opens() {
    for (name, library) in files() {
        let client = Client::new(library.schema(), library.keyring());
        let stored = item(&library.0["stored"]);
        let opened = now(client.open_item(&library, &stored));
        assert_eq!(opened.unwrap().item, item(&library.0["opened"]), "{name}");
    }
}

/// CSE-012 to CSE-020, CSE-023: with the library's own random bytes, every byte is the same. An ECDSA
/// signature is random and so is only verified.
#[test]
fn cse_024_what_the_library_wrote_is_written_again() {
    let mut compared = 0;
    for (name, library) in files() {
        let schema = library.schema();
        let is_plain = library.0["rows"].is_null() && schema.suite() == Suite::SymmetricOnly;
        let Some(materials) = is_plain.then(|| library.materials(&schema)).flatten() else {
            continue;
        };
        let draft = Draft::new(&schema, &item(&library.0["plain"])).unwrap();
        let mut sealed = draft.seal(&materials).unwrap();
        // DynamoDB spells the numbers of what is left in plain.
        for (attribute, stored) in item(&library.0["stored"]) {
            let ours = sealed.remove(&attribute).unwrap();
            if matches!(ours, Value::B(_)) {
                assert_eq!(ours, stored, "{name}: {attribute}");
                compared += 1;
            }
        }
        assert!(sealed.is_empty());
    }
    assert!(compared > 40, "{compared} binary attributes were compared");
}

/// A byte changed anywhere in what is bound is noticed.
#[test]
fn cse_020_a_changed_byte_of_what_the_library_wrote_is_noticed() {
    for (name, library) in files() {
        let client = Client::new(library.schema(), library.keyring());
        let stored = item(&library.0["stored"]);
        for attribute in ["aws_dbe_head", "aws_dbe_foot"] {
            let Value::B(bytes) = &stored[attribute] else {
                panic!("{attribute} is binary");
            };
            for at in (0..bytes.len()).step_by(97) {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                let mut item = stored.clone();
                item.insert(attribute.to_owned(), Value::B(changed));
                let opened = now(client.open_item(&library, &item));
                // One of several recipients' tags may be broken: the others still vouch.
                let other_tag = attribute == "aws_dbe_foot" && name == "two-keys";
                assert!(opened.is_err() || other_tag, "{name}: {attribute} at {at}");
            }
        }
    }
}

/// CSE-035 to CSE-038: the library's beacons are made again, and its queries are asked again.
#[test]
fn cse_035_to_cse_038_the_librarys_beacons_and_queries_are_the_same() {
    let mut queries = 0;
    for (name, library) in files() {
        if library.0["beacons"].is_null() {
            continue;
        }
        let schema = library.schema();
        let search = library.search(&schema);
        let source = BeaconSource {
            store: library.store(),
            key_id: "tenant-a".to_owned(),
            time_to_live: 600,
            cache: BeaconKeyCache::default(),
        };
        let keys = search.keys(&now(source.key(&library)).unwrap());
        let plain = item(&library.0["plain"]);
        let mut wanted = item(&library.0["stored"]);
        wanted.retain(|name, _| name.starts_with("aws_dbe_b_"));
        assert_eq!(search.beacons(&plain, &keys).unwrap(), wanted, "{name}");
        for query in library.0["queries"].as_array().unwrap() {
            let of = |json: &Json| Query {
                key_condition: json["key_condition"].as_str().map(str::to_owned),
                filter: json["filter"].as_str().map(str::to_owned),
                names: texts(&json["names"]),
                values: item(&json["values"]),
            };
            let ours = search.rewritten(&of(&query["asked"]), &keys).unwrap();
            assert_eq!(ours, of(&query["rewritten"]), "{name}");
            queries += 1;
        }
    }
    assert!(queries >= 4, "{queries} queries were compared");
}

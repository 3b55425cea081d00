//! The client: `PutItem` and `GetItem` with the KMS calls around them.
//!
//! ```text
//! put_item:  kms.GenerateDataKey (once for each key of the keyring)  ->  dynamodb.PutItem
//! get_item:  dynamodb.GetItem  ->  kms.Decrypt (until one answers)   ->  verify, open
//! ```
//!
//! It owns no socket: every call goes through [`AwsClient`], in the Region of the table or
//! of the key's ARN.

use std::fmt;
use std::future::Future;

use faultline_proto::dynamodb::{GetItemRequest, GetItemResponse, PutItemRequest, PutItemResponse};
use faultline_proto::names::RegionName;
use prost::Message;
use zeroize::Zeroizing;

use crate::attribute::{from_attributes, to_attributes};
use crate::beacons::{BeaconSource, Search};
use crate::branch::Drawn;
use crate::branch::uuid::Uuid;
use crate::entropy::Entropy;
use crate::error::{CallFailure, SealedError};
use crate::keyring::{KeyArn, Keyring, Unwrapper, Writer};
use crate::kms;
use crate::open::{Opened, OpenedWith, SealedItem, Stored};
use crate::schema::{PlaintextPolicy, Schema, Suite};
use crate::seal::{Draft, SealMaterials};
use crate::secret::{DataKey, KEY_LENGTH, TagKey};
use crate::signing::Signer;
use crate::value::Item;

const PUT_ITEM: &str = "dynamodb.PutItem";
const GET_ITEM: &str = "dynamodb.GetItem";

/// Makes calls for the client; one thread, so futures need not be `Send`.
pub trait AwsClient {
    /// Calls `operation` in `region` with an encoded request message of `faultline-proto`;
    /// answers the encoded response message, or how the call failed.
    fn call(
        &self,
        region: &RegionName,
        operation: &'static str,
        request: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, CallFailure>>;

    /// The client's own time, microseconds since 1970: what the age of a cached branch key
    /// is measured with, and what a new one says of its making.
    fn now(&self) -> u64;
}

/// What wrapped a data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrappedBy {
    /// A KMS key.
    Kms(KeyArn),
    /// A version of a branch key.
    Branch {
        /// Id of the branch key.
        id: String,
        /// Its version.
        version: Uuid,
    },
}

impl fmt::Display for WrappedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kms(key) => key.fmt(f),
            Self::Branch { id, .. } => f.write_str(id),
        }
    }
}

/// A table in one Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableAt {
    /// Where DynamoDB is called.
    pub region: RegionName,
    /// Physical name or ARN, as the request holds it.
    pub name: String,
}

/// A client for one table's schema with one keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What happens to which attribute.
    pub schema: Schema,
    /// Which keys are used.
    pub keyring: Keyring,
    /// Its beacons, and where their key is.
    pub beacons: Option<Beacons>,
}

/// The beacons of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beacons {
    /// Which ones.
    pub search: Search,
    /// Where their key is.
    pub source: BeaconSource,
}

/// A written item.
#[derive(Debug, Clone, PartialEq)]
pub struct PutOutcome {
    /// The item as DynamoDB holds it.
    pub stored: Item,
    /// The keys it was wrapped under, in header order; empty for plaintext.
    pub wrapped_under: Vec<WrappedBy>,
    /// What DynamoDB answered.
    pub response: PutItemResponse,
}

impl Client {
    /// A client.
    #[must_use]
    pub fn new(schema: Schema, keyring: Keyring) -> Self {
        Self {
            schema,
            keyring,
            beacons: None,
        }
    }

    /// This client with beacons; those without an encrypted part are attributes that it
    /// makes and signs.
    #[must_use]
    pub fn with_beacons(self, beacons: Beacons) -> Self {
        Self {
            schema: self.schema.with_signed(beacons.search.signed_beacons()),
            beacons: Some(beacons),
            ..self
        }
    }

    /// Seals `item` and puts it.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] before any call, [`SealedError::UnexpectedAnswer`]
    /// for an answer of KMS that cannot be used, [`SealedError::Call`] for a failed call;
    /// only one of `dynamodb.PutItem` can have left a trace in the table.
    pub async fn put_item<A: AwsClient>(
        &self,
        aws: &A,
        entropy: &mut dyn Entropy,
        table: &TableAt,
        item: &Item,
    ) -> Result<PutOutcome, SealedError> {
        let (stored, wrapped_under) = self.as_stored(aws, entropy, item).await?;
        let request = PutItemRequest {
            table_name: Some(table.name.clone()),
            item: to_attributes(stored.clone()),
            ..PutItemRequest::default()
        };
        let response: PutItemResponse = call(aws, &table.region, PUT_ITEM, &request).await?;
        Ok(PutOutcome {
            stored,
            wrapped_under,
            response,
        })
    }

    /// `item` as the plaintext policy lets it be written, and what wrapped its data key.
    pub(crate) async fn as_stored<A: AwsClient>(
        &self,
        aws: &A,
        entropy: &mut dyn Entropy,
        item: &Item,
    ) -> Result<(Item, Vec<WrappedBy>), SealedError> {
        match self.schema.plaintext_policy() {
            PlaintextPolicy::ForceWriteAllowRead => Ok((item.clone(), Vec::new())),
            PlaintextPolicy::ForbidWriteAllowRead | PlaintextPolicy::ForbidWriteForbidRead => {
                self.sealed(aws, entropy, item).await
            }
        }
    }

    /// Seals `item` without writing it: the item as DynamoDB would hold it, and what wrapped
    /// its data key.
    ///
    /// # Errors
    /// As [`Self::put_item`], but that nothing is put.
    pub async fn sealed<A: AwsClient>(
        &self,
        aws: &A,
        entropy: &mut dyn Entropy,
        item: &Item,
    ) -> Result<(Item, Vec<WrappedBy>), SealedError> {
        let draft = match &self.beacons {
            None => Draft::new(&self.schema, item)?,
            Some(beacons) => Draft::with_beacons(&self.schema, item, &beacons.search)?,
        };
        let writers = self.keyring.writers()?;
        // All randomness before the first call: how calls end does not change it.
        let signer = match self.schema.suite() {
            Suite::WithSignature => Some(Signer::generate(entropy)),
            Suite::SymmetricOnly => None,
        };
        let mut message_id = [0; 32];
        entropy.fill("sealed.message-id", &mut message_id);
        let mut data_key = Zeroizing::new([0; KEY_LENGTH]);
        entropy.fill("sealed.data-key", data_key.as_mut());
        let data_key = DataKey::new(*data_key);

        let writers: Vec<(Writer<'_>, Option<Drawn>)> = writers
            .into_iter()
            .map(|writer| match writer {
                Writer::Kms(_) => (writer, None),
                Writer::Branch(_) => (writer, Some(Drawn::draw(entropy))),
            })
            .collect();

        let context = draft.bind(signer.as_ref())?;
        let mut recipients = Vec::new();
        let mut wrapped_under = Vec::new();
        for (writer, drawn) in writers {
            let (recipient, by) = match (writer, drawn) {
                (Writer::Branch(hierarchy), Some(drawn)) => {
                    hierarchy.wrap(aws, &drawn, &context, &data_key).await?
                }
                (Writer::Kms(key), _) => {
                    let (recipient, by) = kms::wrap(aws, key, &context, &data_key).await?;
                    (recipient, WrappedBy::Kms(by))
                }
                (Writer::Branch(_), None) => continue,
            };
            recipients.push(recipient);
            wrapped_under.push(by);
        }
        let mut stored = draft.seal(&SealMaterials {
            message_id,
            data_key,
            recipients,
            signer,
        })?;
        if let Some(Beacons { search, source }) = &self.beacons {
            let keys = search.keys(&source.key(aws).await?);
            stored.extend(search.beacons(item, &keys)?);
        }
        Ok((stored, wrapped_under))
    }

    /// Gets the item with this key and opens it; `None` if there is none.
    ///
    /// # Errors
    /// [`SealedError::NoMatchingKey`] when the keyring has no key for the item, without a
    /// call to KMS (CSE-043); [`SealedError::SignatureInvalid`], [`SealedError::InvalidHeader`]
    /// or [`SealedError::PlaintextItem`] for what came back; [`SealedError::Call`] for one
    /// failed call, [`SealedError::AllAttemptsFailed`] when several keys were tried in vain.
    pub async fn get_item<A: AwsClient>(
        &self,
        aws: &A,
        table: &TableAt,
        key: &Item,
        consistent: bool,
    ) -> Result<Option<Opened>, SealedError> {
        let request = GetItemRequest {
            table_name: Some(table.name.clone()),
            key: to_attributes(key.clone()),
            consistent_read: consistent.then_some(true),
            ..GetItemRequest::default()
        };
        let response: GetItemResponse = call(aws, &table.region, GET_ITEM, &request).await?;
        if response.item.is_empty() {
            return Ok(None);
        }
        let item = from_attributes(response.item)
            .map_err(|why| unexpected(&table.region, GET_ITEM, &why.to_string()))?;
        self.open_item(aws, &item).await.map(Some)
    }

    /// Opens an item that was read by other means (Query, a stream, another Region's copy).
    ///
    /// # Errors
    /// As [`Self::get_item`].
    pub async fn open_item<A: AwsClient>(
        &self,
        aws: &A,
        item: &Item,
    ) -> Result<Opened, SealedError> {
        match Stored::parse(&self.schema, item)? {
            Stored::Plain(item) => Ok(Opened {
                item,
                opened_with: None,
            }),
            Stored::Sealed(sealed) => {
                let (data_key, tag_key, with) = self.unwrap(aws, &sealed).await?;
                let item = sealed.open(&data_key, &tag_key)?;
                Ok(Opened {
                    item,
                    opened_with: Some(with),
                })
            }
        }
    }

    async fn unwrap<A: AwsClient>(
        &self,
        aws: &A,
        sealed: &SealedItem,
    ) -> Result<(DataKey, TagKey, OpenedWith), SealedError> {
        let mut failures = Vec::new();
        for attempt in self
            .keyring
            .attempts(sealed.data_keys(), sealed.context())?
        {
            let wrapped = usize::try_from(attempt.data_key)
                .ok()
                .and_then(|index| sealed.data_keys().get(index));
            let Some(wrapped) = wrapped else { continue };
            let unwrapped = match attempt.with {
                Unwrapper::Kms(key) => kms::unwrap(aws, &key, wrapped, sealed.context()).await.map(
                    |(data_key, tag_key)| {
                        let region = Some(key.region().clone());
                        (data_key, tag_key, WrappedBy::Kms(key), region)
                    },
                ),
                Unwrapper::Branch(hierarchy) => hierarchy
                    .unwrap(aws, wrapped, sealed.context())
                    .await
                    .map(|(data_key, tag_key, by)| (data_key, tag_key, by, None)),
            };
            match unwrapped {
                Ok((data_key, tag_key, key, region)) => {
                    let with = OpenedWith {
                        key,
                        region,
                        data_key: attempt.data_key,
                    };
                    return Ok((data_key, tag_key, with));
                }
                Err(error) => failures.push(error),
            }
        }
        match failures.len() {
            1 => Err(failures.remove(0)),
            _ => Err(SealedError::AllAttemptsFailed(failures)),
        }
    }
}

pub(crate) async fn call<A: AwsClient, R: Message + Default>(
    aws: &A,
    region: &RegionName,
    operation: &'static str,
    request: &impl Message,
) -> Result<R, SealedError> {
    let answer = Zeroizing::new(aws.call(region, operation, request.encode_to_vec()).await?);
    R::decode(answer.as_slice()).map_err(|why| unexpected(region, operation, &why.to_string()))
}

pub(crate) fn unexpected(
    region: &RegionName,
    operation: &'static str,
    message: &str,
) -> SealedError {
    SealedError::UnexpectedAnswer {
        region: region.clone(),
        operation,
        message: message.to_owned(),
    }
}

//! `Query` and `Scan` by a client that encrypts: beacons in place of values on the way out,
//! items opened on the way back, and what merely collided dropped (CSE-038).

use faultline_proto::dynamodb::{
    AttributeMap, QueryRequest, QueryResponse, ScanRequest, ScanResponse,
};

use crate::attribute::{from_attributes, to_attributes};
use crate::beacons::Query;
use crate::beacons::expression::check_condition;
use crate::client::{AwsClient, Beacons, Client, TableAt, call, unexpected};
use crate::error::SealedError;
use crate::open::Opened;

const QUERY: &str = "dynamodb.Query";
const SCAN: &str = "dynamodb.Scan";

/// What is looked for: a query if it has a key condition, else a scan. One page of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// Conditions, in the user's own names and values.
    pub query: Query,
    /// The index that is asked.
    pub index: Option<String>,
    /// Whether the read is strongly consistent.
    pub consistent: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Items that are what was looked for, opened.
    pub items: Vec<Opened>,
    /// How many items DynamoDB gave: those, and others with the same beacons.
    pub given: usize,
}

impl Client {
    /// Looks for items.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] before any call for a condition on what is encrypted
    /// and has no beacon, and as [`Self::open_item`] for what came back.
    pub async fn find<A: AwsClient>(
        &self,
        aws: &A,
        table: &TableAt,
        find: &Find,
    ) -> Result<Found, SealedError> {
        let asked = self.asked(aws, &find.query).await?;
        let items = if asked.key_condition.is_some() {
            self.query(aws, table, find, asked).await?
        } else {
            self.scan(aws, table, find, asked).await?
        };
        let given = items.len();
        let concerns = |beacons: &&Beacons| beacons.search.concerns(&find.query);
        let judges = self.beacons.as_ref().filter(concerns);
        let mut found = Vec::new();
        for item in items {
            let item = from_attributes(item.items)
                .map_err(|why| unexpected(&table.region, QUERY, &why.to_string()))?;
            let opened = self.open_item(aws, &item).await?;
            let is_it = match judges {
                Some(beacons) => beacons.search.matches(&find.query, &opened.item)?,
                None => true,
            };
            found.extend(is_it.then_some(opened));
        }
        Ok(Found {
            items: found,
            given,
        })
    }

    /// The query as DynamoDB is asked it.
    async fn asked<A: AwsClient>(&self, aws: &A, query: &Query) -> Result<Query, SealedError> {
        match &self.beacons {
            Some(beacons) if beacons.search.concerns(query) => {
                let keys = beacons.search.keys(&beacons.source.key(aws).await?);
                beacons.search.rewritten(query, &keys)
            }
            Some(_) => Ok(query.clone()),
            None => {
                for text in query.key_condition.iter().chain(&query.filter) {
                    check_condition(&self.schema, text, &query.names)
                        .map_err(SealedError::SchemaViolation)?;
                }
                Ok(query.clone())
            }
        }
    }

    async fn query<A: AwsClient>(
        &self,
        aws: &A,
        table: &TableAt,
        find: &Find,
        asked: Query,
    ) -> Result<Vec<AttributeMap>, SealedError> {
        let request = QueryRequest {
            table_name: Some(table.name.clone()),
            index_name: find.index.clone(),
            consistent_read: find.consistent.then_some(true),
            key_condition_expression: asked.key_condition,
            filter_expression: asked.filter,
            expression_attribute_names: asked.names,
            expression_attribute_values: to_attributes(asked.values),
            ..QueryRequest::default()
        };
        let response: QueryResponse = call(aws, &table.region, QUERY, &request).await?;
        Ok(response.items)
    }

    async fn scan<A: AwsClient>(
        &self,
        aws: &A,
        table: &TableAt,
        find: &Find,
        asked: Query,
    ) -> Result<Vec<AttributeMap>, SealedError> {
        let request = ScanRequest {
            table_name: Some(table.name.clone()),
            index_name: find.index.clone(),
            consistent_read: find.consistent.then_some(true),
            filter_expression: asked.filter,
            expression_attribute_names: asked.names,
            expression_attribute_values: to_attributes(asked.values),
            ..ScanRequest::default()
        };
        let response: ScanResponse = call(aws, &table.region, SCAN, &request).await?;
        Ok(response.items)
    }
}

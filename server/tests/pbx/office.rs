//! Who has which number: each office has a digit, so that offices can test at the same time on one Asterisk.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::{
    asterisk,
    expected::{self, Call},
};

/// Offices of one Asterisk.
pub(crate) const OFFICES: u8 = 8;

/// The reception's extension, without the office's digits.
pub(crate) const RECEPTION: u8 = 48;
/// Sales.
pub(crate) const SALES: u8 = 49;
/// The back office.
pub(crate) const BACK: u8 = 50;

/// An office: four extensions, two trunks, direct numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Office {
    pub pbx: u8,
    pub digit: u8,
}

/// A device, or a telephone network, from which calls come and to which they are sent.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub ip: Ipv4Addr,
    pub port: u16,
    pub number: String,
}

impl Office {
    /// A direct number of the office.
    pub(crate) fn number(self, last: u8) -> String {
        format!("01632960{}{last:02}", self.digit)
    }

    /// An extension's number.
    pub(crate) fn extension(self, last: u8) -> String {
        format!("7{}{last}", self.digit)
    }

    /// The number of a mobile.
    pub(crate) fn mobile(self) -> String {
        format!("+447700900{}23", self.digit)
    }

    /// A customer's number.
    pub(crate) fn customer(self) -> String {
        self.number(90)
    }

    /// An extension's phone.
    pub(crate) fn phone(self, last: u8) -> Device {
        self.device(last, 5080, self.extension(last))
    }

    /// The same phone, for a call that it starts.
    pub(crate) fn dialling(self, last: u8) -> Device {
        self.device(last, 5085, self.extension(last))
    }

    /// Where the provider accepts calls.
    pub(crate) fn provider(self) -> Device {
        self.device(1, 5090, "provider".to_owned())
    }

    /// Where the second provider accepts calls.
    pub(crate) fn backup(self) -> Device {
        self.device(2, 5090, "backup".to_owned())
    }

    /// A customer who calls through the provider.
    pub(crate) fn customer_line(self) -> Device {
        self.device(1, 5091, self.customer())
    }

    /// Another customer.
    pub(crate) fn another_customer_line(self) -> Device {
        self.device(1, 5093, self.number(91))
    }

    fn device(self, host: u8, port: u16, number: String) -> Device {
        Device { ip: Ipv4Addr::new(127, self.pbx, self.digit, host), port, number }
    }

    /// Asterisk's address.
    pub(crate) fn asterisk(self) -> Ipv4Addr {
        asterisk::ip(self.pbx)
    }

    /// Replaces the names in a configuration.
    pub(crate) fn fill(self, template: &str) -> String {
        let net = format!("127.{}.{}", self.pbx, self.digit);
        template.replace("{office}", &self.digit.to_string()).replace("{net}", &net)
    }

    /// Whether an event is about this office.
    pub(crate) fn concerns(self, payload: &Value) -> bool {
        let is_ours = |party: &str| {
            let digit = match party.len() {
                4 => party.strip_prefix('7'),
                _ => party.strip_prefix("01632960").or_else(|| party.strip_prefix("+447700900")),
            };
            digit.is_some_and(|rest| rest.starts_with(&self.digit.to_string()))
        };
        let party =
            |value: &Value| value["id"].as_i64().map_or(value.as_str().map(str::to_owned), |id| Some(id.to_string()));
        let parties = ["callee_number", "caller_number", "source", "destination"].map(|key| party(&payload[key]));
        parties.into_iter().flatten().any(|party| is_ours(&party))
    }

    /// A call from the customer to a number of the office.
    pub(crate) fn incoming(self, number: u8, status: &str, seconds: u64, destination: Value) -> Call {
        self.incoming_from(&self.customer(), number, status, seconds, destination)
    }

    /// A call from this number.
    pub(crate) fn incoming_from(
        self,
        caller: &str,
        number: u8,
        status: &str,
        seconds: u64,
        destination: Value,
    ) -> Call {
        expected::incoming(caller, &self.number(number), status, seconds, destination)
    }

    /// A call from an extension to the outside.
    pub(crate) fn outgoing(self, extension: u8, callee: &str, status: &str, seconds: u64) -> Call {
        expected::outgoing(&self.number(0), self.at(extension), callee, status, seconds)
    }

    /// An extension, as a party of a call.
    pub(crate) fn at(self, extension: u8) -> Value {
        json!({ "type": "extension", "id": self.extension(extension).parse::<u32>().unwrap() })
    }

    /// A voicemail box, as a party of a call.
    pub(crate) fn mailbox(self, extension: u8) -> Value {
        json!({ "type": "voicemail_box", "id": self.extension(extension).parse::<u32>().unwrap() })
    }
}

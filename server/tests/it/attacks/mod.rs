//! What an attacker would try; all of it is refused. Where all pages, functions or calls are tried, the lists are
//! those of the policy, so that new ones are included.

mod bodies;
mod bystander;
mod capped;
mod connections;
mod connector_requests;
mod forgery;
mod forms;
mod guessing;
mod injection;
mod others;
mod passwords;
mod payloads;
mod record_files;
mod scripts;
mod sessions;

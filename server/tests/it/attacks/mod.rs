//! What somebody would try who means harm. Each is refused. Where all pages, functions or calls are tried, the lists are
//! those of the policy, so that a new one is tried as well.

mod forgery;
mod guessing;
mod injection;
mod scripts;
mod sessions;

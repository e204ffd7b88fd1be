<?php
// php run.php SAMPLE BODY ID TIMESTAMP SIGNATURE SECRET TOKEN: prints whether the token and the signature are valid.
[, $sample, $body, $id, $timestamp, $signature, $secret, $token] = $argv;
require $sample;
$headers = ['webhook-id' => $id, 'webhook-timestamp' => $timestamp, 'webhook-signature' => $signature];
echo json_encode(has_token($body, $token)), ' ', json_encode(is_signed($body, $headers, $secret)), "\n";

<?php

const TOLERANCE_S = 5 * 60;

// Way 1: does the body carry our auth token?
function has_token(string $rawBody, string $authToken): bool
{
    $token = json_decode($rawBody, true)['auth_token'] ?? null;
    return is_string($token) && $authToken !== '' && hash_equals($authToken, $token);
}

// Way 2: was the request signed with our secret, within the last five minutes?
// $headers: array_change_key_case(getallheaders())
function is_signed(string $rawBody, array $headers, string $secret): bool
{
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    $signatures = $headers['webhook-signature'] ?? '';
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_S) {
        return false;
    }

    $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    if ($key === false || $key === '') {
        return false;
    }
    $mac = hash_hmac('sha256', "$id.$timestamp.$rawBody", $key, true);
    $expected = 'v1,' . base64_encode($mac);
    foreach (explode(' ', $signatures) as $signature) {
        if (hash_equals($expected, $signature)) {
            return true;
        }
    }
    return false;
}

/*
 * pkcs11_helper_cryptoki.h - the part of PKCS#11 that ssh-pkcs11-helper uses.
 * OASIS PKCS#11 base specification 2.40 s3 to s5, 3.0 for Ed25519; names and
 * numbers are the standard's.
 */
#ifndef AGENT_PKCS11_HELPER_CRYPTOKI_H
#define AGENT_PKCS11_HELPER_CRYPTOKI_H

typedef unsigned char CK_BYTE;
typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;
typedef CK_ULONG CK_SLOT_ID;
typedef CK_ULONG CK_SESSION_HANDLE;
typedef CK_ULONG CK_OBJECT_HANDLE;

#define CK_UNAVAILABLE_INFORMATION (~0ul)

enum { /* return values */
	CKR_OK = 0x0,
	CKR_DEVICE_REMOVED = 0x32,
	CKR_PIN_INCORRECT = 0xa0,
	CKR_PIN_INVALID = 0xa1,
	CKR_PIN_LEN_RANGE = 0xa2,
	CKR_PIN_LOCKED = 0xa4,
	CKR_SESSION_CLOSED = 0xb0,
	CKR_SESSION_HANDLE_INVALID = 0xb3,
	CKR_TOKEN_NOT_PRESENT = 0xe0,
	CKR_USER_ALREADY_LOGGED_IN = 0x100,
	CKR_USER_NOT_LOGGED_IN = 0x101,
	CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191
};

enum { /* flags of tokens and sessions */
	CKF_LOGIN_REQUIRED = 0x4,
	CKF_PROTECTED_AUTHENTICATION_PATH = 0x100,
	CKF_TOKEN_INITIALIZED = 0x400,
	CKF_SERIAL_SESSION = 0x4
};

enum { /* users */
	CKU_USER = 1,
	CKU_CONTEXT_SPECIFIC = 2
};

enum { /* classes of objects, types of keys and certificates */
	CKO_CERTIFICATE = 1,
	CKO_PUBLIC_KEY = 2,
	CKO_PRIVATE_KEY = 3,
	CKK_RSA = 0x0,
	CKK_EC = 0x3,
	CKK_EC_EDWARDS = 0x40,
	CKC_X_509 = 0x0
};

enum { /* attributes */
	CKA_CLASS = 0x0,
	CKA_LABEL = 0x3,
	CKA_VALUE = 0x11,
	CKA_CERTIFICATE_TYPE = 0x80,
	CKA_KEY_TYPE = 0x100,
	CKA_ID = 0x102,
	CKA_MODULUS = 0x120,
	CKA_PUBLIC_EXPONENT = 0x122,
	CKA_EC_PARAMS = 0x180,
	CKA_EC_POINT = 0x181,
	CKA_ALWAYS_AUTHENTICATE = 0x202
};

enum { /* mechanisms */
	CKM_RSA_PKCS = 0x1,
	CKM_ECDSA = 0x1041,
	CKM_EDDSA = 0x1057
};

typedef struct CK_VERSION {
	CK_BYTE major, minor;
} CK_VERSION;

typedef struct CK_TOKEN_INFO {
	CK_BYTE label[32], manufacturer[32], model[16], serial[16];
	CK_ULONG flags;
	CK_ULONG sessions_max, sessions, rw_sessions_max, rw_sessions;
	CK_ULONG pin_max, pin_min;
	CK_ULONG public_memory, public_free, private_memory, private_free;
	CK_VERSION hardware, firmware;
	CK_BYTE utc_time[16];
} CK_TOKEN_INFO;

typedef struct CK_ATTRIBUTE {
	CK_ULONG type;
	void *value;
	CK_ULONG len;
} CK_ATTRIBUTE;

typedef struct CK_MECHANISM {
	CK_ULONG mechanism;
	void *parameter;
	CK_ULONG len;
} CK_MECHANISM;

/* The functions of s5, in the order of the standard's list; those that are
 * not called have no type. */
typedef struct CK_FUNCTION_LIST {
	CK_VERSION version;
	CK_RV (*C_Initialize)(void *arguments);
	CK_RV (*C_Finalize)(void *reserved);
	void *C_GetInfo, *C_GetFunctionList;
	CK_RV(*C_GetSlotList)
	(CK_BYTE with_token, CK_SLOT_ID *list, CK_ULONG *count);
	void *C_GetSlotInfo;
	CK_RV (*C_GetTokenInfo)(CK_SLOT_ID slot, CK_TOKEN_INFO *info);
	void *C_GetMechanismList, *C_GetMechanismInfo, *C_InitToken, *C_InitPIN,
	    *C_SetPIN;
	CK_RV(*C_OpenSession)
	(CK_SLOT_ID slot, CK_ULONG flags, void *application, void *notify,
	    CK_SESSION_HANDLE *session);
	CK_RV (*C_CloseSession)(CK_SESSION_HANDLE session);
	void *C_CloseAllSessions, *C_GetSessionInfo, *C_GetOperationState,
	    *C_SetOperationState;
	CK_RV(*C_Login)
	(CK_SESSION_HANDLE session, CK_ULONG user, CK_BYTE *pin, CK_ULONG len);
	void *C_Logout, *C_CreateObject, *C_CopyObject, *C_DestroyObject,
	    *C_GetObjectSize;
	CK_RV(*C_GetAttributeValue)
	(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
	    CK_ATTRIBUTE *attributes, CK_ULONG count);
	void *C_SetAttributeValue;
	CK_RV(*C_FindObjectsInit)
	(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count);
	CK_RV(*C_FindObjects)
	(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max,
	    CK_ULONG *count);
	CK_RV (*C_FindObjectsFinal)(CK_SESSION_HANDLE session);
	void *C_EncryptInit, *C_Encrypt, *C_EncryptUpdate, *C_EncryptFinal,
	    *C_DecryptInit, *C_Decrypt, *C_DecryptUpdate, *C_DecryptFinal,
	    *C_DigestInit, *C_Digest, *C_DigestUpdate, *C_DigestKey,
	    *C_DigestFinal;
	CK_RV(*C_SignInit)
	(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
	    CK_OBJECT_HANDLE key);
	CK_RV(*C_Sign)
	(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len,
	    CK_BYTE *signature, CK_ULONG *signature_len);
} CK_FUNCTION_LIST;

typedef CK_RV CK_C_GetFunctionList(CK_FUNCTION_LIST **list);

#endif
